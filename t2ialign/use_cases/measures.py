"""Which metrics are measured by which scorers, and which are left out with their reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from t2ialign.metrics import METRICS
from t2ialign.types import Axis, Encoder, InputError, Metric

FIRST: dict[Axis, tuple[str, ...]] = {
    "alignment": ("oracle_alignment", "clip_score"),
    "diversity": ("factor_diversity", "lpips"),
}
"""The metric that an axis shows unless someone chooses another: the first of these that is scored."""


def first_metric(axis: Axis, scored: Collection[str]) -> Metric | None:
    """The best-known scored metric of an axis; ``None`` if nothing of it is scored."""
    menu = (*FIRST[axis], *(name for name, metric in METRICS.items() if metric.axis == axis))
    return next((METRICS[name] for name in menu if name in scored), None)


@dataclass(frozen=True)
class LeftOut:
    """Metrics that are not measured because a scorer is not there, or failed.

    ``fetch`` is the command that fetches its weights, ``again`` the one that scores what is stored then; both are empty
    where that would not help.
    """

    scorer: str
    metrics: tuple[str, ...]
    reason: str
    fetch: str = ""
    again: str = ""

    def __str__(self) -> str:
        """Both in a sentence or two."""
        what = f"Left out: {', '.join(self.metrics)}. " if self.metrics else "Left out: what it measures. "
        mend = f" `{self.fetch}` fetches it, `{self.again}` then adds the scores." if self.fetch else ""
        return f"{what}{self.reason.rstrip('.')}.{mend}"


@dataclass(frozen=True)
class PlannedMeasures:
    """What can be measured, before anything is loaded: the scorers that each metric needs, by the metric's name."""

    readers: Mapping[str, tuple[str, ...]]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def scorers(self) -> tuple[str, ...]:
        """Every scorer that is needed, once."""
        return tuple(dict.fromkeys(name for names in self.readers.values() for name in names))


@dataclass(frozen=True)
class Measures:
    """Metrics that can be measured now, with their encoders loaded; ``left_out`` says why others cannot."""

    metrics: tuple[Metric, ...]
    encoders: tuple[Encoder, ...]
    left_out: tuple[LeftOut, ...] = ()


def without(chosen: PlannedMeasures, reasons: Mapping[str, str]) -> PlannedMeasures:
    """What is left of a choice when scorers have failed, each for its reason."""
    lost: dict[str, list[str]] = {name: [] for name in reasons}
    for metric, readers in chosen.readers.items():
        if gone := next((name for name in readers if name in reasons), None):
            lost[gone].append(metric)
    names = {metric for metrics in lost.values() for metric in metrics}
    kept = {metric: readers for metric, readers in chosen.readers.items() if metric not in names}
    fresh = (LeftOut(name, tuple(metrics), reasons[name]) for name, metrics in lost.items())
    return replace(chosen, readers=kept, left_out=(*chosen.left_out, *fresh))


def reason_of(error: Exception) -> str:
    """Why something failed: our own sentence, or what a library said in its first line."""
    said = str(error).strip()
    if isinstance(error, InputError):
        return said
    return f"{type(error).__name__}: {said.partition(chr(10))[0][:200]}" if said else type(error).__name__


def joined(parts: Iterable[LeftOut]) -> tuple[LeftOut, ...]:
    """Each scorer and reason once, with all its metrics in the order of the menu."""
    found: dict[tuple[str, str], LeftOut] = {}
    for part in parts:
        known = found.get((part.scorer, part.reason), part)
        names = {*known.metrics, *part.metrics}
        found[part.scorer, part.reason] = replace(part, metrics=tuple(name for name in METRICS if name in names))
    return tuple(found.values())
