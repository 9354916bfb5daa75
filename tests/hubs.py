"""A Hub cache as huggingface_hub lays it out: files under their digests, snapshots of links, branches as text."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

FIRST, SECOND = "1" * 40, "2" * 40


def use_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes ``cache`` the one that is read."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    return cache


def put(cache: Path, repository: str, source: Path, commit: str, branch: str = "main", kind: str = "models") -> Path:
    """A folder's files as a commit of a repository, to which the branch moves; returns the snapshot."""
    place = cache / f"{kind}--{repository.replace('/', '--')}"
    snapshot = place / "snapshots" / commit
    (place / "blobs").mkdir(parents=True, exist_ok=True)
    for file in sorted(file for file in source.rglob("*") if file.is_file()):
        blob = place / "blobs" / _name(file)
        blob.write_bytes(file.read_bytes())
        link = snapshot / file.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    (place / "refs").mkdir(exist_ok=True)
    (place / "refs" / branch).write_text(commit)
    return snapshot


def _name(file: Path) -> str:
    """Large files have their SHA-256 for a name, others git's own digest."""
    data = file.read_bytes()
    if file.suffix == ".safetensors":
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
