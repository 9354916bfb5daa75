"""A checkpoint's manifest: what it was trained or merged from, on what, and what that gained and cost.

Written beside the adapter, and read nowhere else (but for the few fields by which ``registry`` finds checkpoints). Every
field may be missing, for manifests come from other versions and other hands; what this version does not know stays.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from t2ialign.adapter_places import MANIFEST
from t2ialign.codec import IF_SAID, decode, encode
from t2ialign.files import bytes_of, foreign, json_of, write_whole
from t2ialign.source import Source
from t2ialign.study.records import VotesRecord
from t2ialign.types import InputError, Interval, MergeError
from t2ialign.use_cases.align.request import AlignRequest


@dataclass(frozen=True)
class Difference:
    """A paired difference with its interval; ``p`` is its p-value, None where it was not kept or is unknown."""

    mean: float
    lo: float
    hi: float
    p: float | None = field(default=None, metadata=IF_SAID)


@dataclass(frozen=True)
class MetricChange:
    """A metric before and after; ``difference`` prompt by prompt, which effective numbers do not have."""

    before: Interval
    after: Interval
    difference: Difference | None = field(default=None, metadata=IF_SAID)

    @property
    def gap(self) -> Interval:
        """The difference, or that of the two means, of which nobody is sure."""
        if self.difference is None:
            return Interval(self.after.mean - self.before.mean, math.nan, math.nan)
        return Interval(self.difference.mean, self.difference.lo, self.difference.hi)


@dataclass(frozen=True)
class WinRate:
    """The share of new pictures that ``by`` prefers to the parent's of the same prompt and seed, with its interval."""

    by: str
    mean: float
    lo: float = math.nan
    hi: float = math.nan


@dataclass(frozen=True)
class BeforeAfter:
    """Parent and checkpoint on the same test cells."""

    prompts: int = 0
    seeds: int = 0
    guidance_scale: float = math.nan
    steps: int = 0
    metrics: Mapping[str, MetricChange] = field(default_factory=dict)
    win_rate: WinRate | None = field(default=None, metadata=IF_SAID)


@dataclass(frozen=True)
class LearnedData:
    """What a run has learned from: so many examples, the hash of their content and, of votes, whose they are.

    ``notes`` say what of the source was left out, not read, or read otherwise.
    """

    source: Source = Source()
    examples: int = 0
    sha256: str = ""
    votes: VotesRecord | None = field(default=None, metadata=IF_SAID)
    notes: tuple[str, ...] = field(default=(), metadata=IF_SAID)


@dataclass(frozen=True)
class Ingredients:
    """What a run is made of besides its request: hashes of the content, "" where there is no such thing.

    The backbone, the parent's adapter, the prompts to sample, the weights of the judge, and the data that were given.
    """

    backbone: str = ""
    parent: str = ""
    prompts: str = ""
    judge: str = ""
    data: str = ""


@dataclass(frozen=True)
class TrainingEffort:
    """Seconds, and optimisation steps of each round."""

    seconds: float = 0.0
    steps: int = 0
    rounds: int = 1


@dataclass(frozen=True)
class MergedPart:
    """One adapter of a merged checkpoint."""

    name: str
    weight: float = 1.0
    sha: str = ""


@dataclass(frozen=True)
class TrainingManifest:
    """``request`` repeats the run; ``kind`` to ``sha256`` are the adapter file's; ``more`` is what others added.

    ``wall_seconds`` is everything, from the first picture to the last score. ``merge_error`` is said where a DoRA was merged or
    the rank limited; merged LoRAs without it are exact.
    """

    title: str = field(default="", metadata=IF_SAID)
    method: str = field(default="", metadata=IF_SAID)
    note: str = field(default="", metadata=IF_SAID)
    citation: str = field(default="", metadata=IF_SAID)
    parents: tuple[str, ...] = field(default=(), metadata=IF_SAID)
    request: AlignRequest | None = field(default=None, metadata=IF_SAID)
    ingredients: Ingredients | None = field(default=None, metadata=IF_SAID)
    data: LearnedData | None = field(default=None, metadata=IF_SAID)
    training: TrainingEffort | None = field(default=None, metadata=IF_SAID)
    merge: tuple[MergedPart, ...] = field(default=(), metadata=IF_SAID)
    merge_error: MergeError | None = field(default=None, metadata=IF_SAID)
    created: str = field(default="", metadata=IF_SAID)
    kind: str = field(default="", metadata=IF_SAID)
    backbone: str = field(default="", metadata=IF_SAID)
    backbone_revision: str = field(default="", metadata=IF_SAID)
    file: str = field(default="", metadata=IF_SAID)
    sha256: str = field(default="", metadata=IF_SAID)
    scores: BeforeAfter | None = field(default=None, metadata=IF_SAID)
    wall_seconds: float = field(default=0.0, metadata=IF_SAID)
    more: Mapping[str, Any] = field(default_factory=dict, metadata=IF_SAID)


KNOWN = frozenset(one.name for one in fields(TrainingManifest)) - {"more"}


def find_manifest(folder: Path) -> TrainingManifest | None:
    """A checkpoint's manifest; None where there is none.

    Raises:
        InputError: it is damaged, or holds something else where this version expects its own.
    """
    path = folder / MANIFEST
    try:
        data = bytes_of(path, f"{path} cannot be read", "restore it, or remove the checkpoint")
    except FileNotFoundError:
        return None
    with foreign(f"{path} is not the manifest of a checkpoint", "mend it, or remove the checkpoint"):
        return _read(data, path)


@lru_cache(maxsize=256)
def _read(data: bytes, path: Path) -> TrainingManifest:
    """What these bytes say; a page asks for the same manifests many times over."""
    record = json_of(data, f"{path} cannot be read", "restore it, or remove the checkpoint")
    return manifest_of(record, f"{path} is not the manifest of a checkpoint")


def manifest_of(record: Any, complaint: str = "This is no manifest") -> TrainingManifest:
    """A manifest from its JSON; ``record_of`` is its inverse. ``InputError``: the complaint and what is wrong."""
    if not isinstance(record, Mapping):
        raise InputError(f"{complaint}: it is no table of named values.")
    known = {name: value for name, value in record.items() if name in KNOWN}
    more = {name: value for name, value in record.items() if name not in KNOWN}
    return replace(decode(TrainingManifest, known, complaint, spare=True), more=more)


def record_of(manifest: TrainingManifest) -> dict[str, Any]:
    """A manifest as JSON; what is not known is left out."""
    record = encode(manifest)
    added = record.pop("more", {})
    return {**record, **added}


def write_manifest(folder: Path, manifest: TrainingManifest) -> None:
    """Replaces a checkpoint's manifest, whole or not at all; the adapter stays as it is."""
    text = json.dumps(record_of(manifest), indent=2, ensure_ascii=False) + "\n"
    write_whole(folder / MANIFEST, text.encode(), sync=True)
