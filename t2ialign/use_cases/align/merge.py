"""Adapters merged into a new checkpoint (weight merging, MI-TUNE, figure 7)."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from safetensors.torch import save_file

from t2ialign.adapter_places import ADAPTER_FILE
from t2ialign.diffusion.adapters import add_adapter, drop_adapter, save_adapter
from t2ialign.diffusion.merging import merged_lora
from t2ialign.names import check_name
from t2ialign.registry import CheckpointEntry, resolve
from t2ialign.types import InputError
from t2ialign.use_cases.align.manifest import MergedPart, TrainingManifest, record_of
from t2ialign.use_cases.align.result import check_free
from t2ialign.use_cases.workbench import Workbench


def merge(
    bench: Workbench, blend: str, name: str, into: Path | None = None, replace: bool = False, rank: int = 0
) -> TrainingManifest:
    """Writes ``a@0.5+b@0.5`` as a checkpoint of its own: one LoRA that adds to the weights what they add, weighted.

    Of LoRAs it samples the same pictures as the live blend. A DoRA is merged by what it does to the weights, so at weight 1
    alone it samples the same pictures too (``diffusion.merging``). ``rank`` limits that of the LoRA; the manifest says what
    that leaves out.

    Raises:
        InputError: an unknown checkpoint, different backbones, a whole UNet among them, a name that is taken.
    """
    registry, target = bench.registry(), (into or bench.home / "checkpoints") / name
    entry, uses = resolve(blend, registry)
    check_name(name, "The new checkpoint")
    check_free(bench, name, target, replace)
    if not any(use.weight for use in uses):
        raise InputError(f"{blend} is the base itself, so there is nothing to merge: give an adapter a weight.")
    backbone = bench.backbone(entry)
    merged = merged_lora(backbone, uses, registry.checkpoints, rank)
    manifest = TrainingManifest(
        title=f"{name} (merged)",
        method="merge",
        note=f"Merged from {blend}.",
        parents=tuple(use.name for use in uses),
        merge=tuple(MergedPart(use.name, use.weight, use.sha) for use in uses),
        merge_error=merged.error,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / ADAPTER_FILE
        save_file({f"{entry.family_traits.network}.{key}": tensor for key, tensor in merged.tensors.items()}, file)
        add_adapter(backbone, name, start=CheckpointEntry(name, entry.name, file, "lora"))
        try:
            save_adapter(backbone, name, target, record_of(manifest))
        finally:
            drop_adapter(backbone, name)
    return manifest


def merged_words(name: str, manifest: TrainingManifest) -> str:
    """What was merged, and how close that is where it could be otherwise than exact, as a sentence."""
    close = f"; {manifest.merge_error.words}" if manifest.merge_error else ""
    return f"{name} is merged from {' and '.join(manifest.parents)}{close}."
