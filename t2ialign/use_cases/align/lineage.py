"""Where each checkpoint comes from, for lists and charts: parent, method, what it learned from, and who taught it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from t2ialign.metrics import METRICS
from t2ialign.registry import CheckpointEntry
from t2ialign.source import Source
from t2ialign.types import InputError
from t2ialign.use_cases.align.manifest import TrainingManifest, find_manifest

BASE = "base"


@dataclass(frozen=True)
class Lineage:
    """A checkpoint's history; ``judge`` is the metric of single pictures that it was trained for, "" where there is none."""

    checkpoint: str
    parent: str = ""
    method: str = ""
    source: str = ""
    judge: str = ""
    created: str = ""
    manifest: TrainingManifest | None = None


def lineages(checkpoints: Iterable[CheckpointEntry]) -> dict[str, Lineage]:
    """The history of each checkpoint, by name; one whose manifest cannot be read has none.

    ``parent`` is the name under which the store keeps its cells: of a backbone by itself, ``base``.
    """
    known = tuple(checkpoints)
    plain = {entry.name for entry in known if entry.adapter is None}
    return {entry.name: _lineage(entry, plain) for entry in known}


def steps_of(lines: Mapping[str, Lineage]) -> dict[str, int]:
    """The steps that each checkpoint was trained for, by name, where its manifest tells."""
    efforts = {name: line.manifest.training for name, line in lines.items() if line.manifest is not None}
    return {
        name: effort.steps * effort.rounds for name, effort in efforts.items() if effort is not None and effort.steps
    }


def _lineage(entry: CheckpointEntry, plain: Collection[str]) -> Lineage:
    try:
        manifest = find_manifest(entry.home) if entry.home else None
    except InputError:  # the page of the checkpoint says what is wrong with it
        manifest = None
    if manifest is None:
        return Lineage(entry.name, "" if entry.adapter is None else BASE)
    source = manifest.data.source if manifest.data else Source()
    parent = manifest.parents[0] if manifest.parents else BASE
    return Lineage(
        entry.name,
        BASE if parent in plain else parent,
        manifest.method,
        str(source),
        judge_metric(source),
        manifest.created,
        manifest,
    )


def judge_metric(source: Source) -> str:
    """The metric by which a source prefers pictures; "" where it is none that is computed.

    Raters of a group are measured by the style that they like: their votes have noise, and look at faithfulness too.
    """
    name = {"style": f"style_{source.group}", "annotator": f"style_{source.group}", "metric": source.argument}
    found = name.get(source.kind, "")
    return found if found in METRICS and METRICS[found].level == "image" else ""
