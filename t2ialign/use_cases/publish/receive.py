"""A published checkpoint taken in again: the adapter is the very file that its manifest names, or it is refused."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from t2ialign.adapter_places import ADAPTER_FILE, MANIFEST
from t2ialign.content import file_sha256
from t2ialign.files import foreign
from t2ialign.names import check_name, unknown
from t2ialign.registry import CheckpointEntry, load_registry
from t2ialign.types import InputError
from t2ialign.use_cases.align.manifest import find_manifest


def receive(home: Path, folder: Path, name: str) -> CheckpointEntry:
    """Copies adapter and manifest of a folder that ``push`` made into the store, under a name of its own.

    Raises:
        InputError: no adapter or no manifest with a hash, another file than the manifest names, a backbone that is not
            known here, or a name that is taken.
    """
    registry, target = load_registry(home=home), home / "checkpoints" / name
    check_name(name, "The checkpoint")
    if name in registry.checkpoints or target.exists():
        raise InputError(
            f"There is a checkpoint called {name} already: choose another name (on the command line: --name)."
        )
    manifest, adapter = find_manifest(folder), folder / ADAPTER_FILE
    if manifest is None or not manifest.sha256 or not adapter.is_file():
        raise InputError("This is nothing that `push` made: add it with `checkpoints add` instead.")
    if manifest.backbone not in registry.backbones:
        raise unknown("backbone", manifest.backbone, registry.backbones)
    if (sha := file_sha256(adapter)) != manifest.sha256:
        raise InputError(
            f"The adapter's SHA-256 is {sha[:12]}, and its manifest names {manifest.sha256[:12]}: not taken."
        )
    with foreign(f"{name} could not be written to {target.parent}", "make room there, or see to its permissions"):
        made = target.parent / f".{name}-{uuid.uuid4().hex}"
        made.mkdir(parents=True)
        for file in (ADAPTER_FILE, MANIFEST):
            shutil.copyfile(folder / file, made / file)
        os.rename(made, target)
    return load_registry(home=home).checkpoints[name]
