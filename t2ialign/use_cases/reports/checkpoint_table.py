"""What trained checkpoints gained and lost over their parents, as the table that docs/experiments.md shows."""

from __future__ import annotations

import math
from collections.abc import Collection

from t2ialign.metrics import METRICS
from t2ialign.registry import Registry
from t2ialign.tradeoff import families
from t2ialign.tradeoff.interval import estimate_behind
from t2ialign.types import InputError, Interval
from t2ialign.use_cases.align.manifest import BeforeAfter, MetricChange, TrainingManifest, find_manifest
from t2ialign.use_cases.reports.text import with_ends

SHOWN = ("oracle_alignment", "clip_score", "factor_diversity", "lpips", "u_rke")


def markdown(registry: Registry) -> str:
    """A row for every checkpoint whose manifest holds scores before and after, in the registry's order.

    The minutes are those of the optimisation alone, on whatever machine it was.

    The differences are one family of tests: those that exclude zero also after Holm are bold, and the last line says so.
    Below that, a sentence for each manifest that cannot be read.
    """
    found, problems = _scored(registry)
    shown = [name for name in SHOWN if any(name in scores.metrics for _, scores in found.values())]
    columns = [
        "checkpoint",
        "parent",
        "learns from",
        "win rate",
        *(f"`{name}`" for name in shown),
        "minutes of training",
    ]
    ps = {(name, metric): _p(scores, metric) for name, (_, scores) in found.items() for metric in shown}
    bold = {key for key, p in zip(ps, families.holm(list(ps.values()))) if families.stands(p)}
    rows = [_row(name, *told, shown, bold) for name, told in found.items()]
    lines = [_line(columns), "|---" * len(columns) + "|", *map(_line, rows)]
    legend = families.legend(families.tests(list(ps.values())))
    return "\n".join([*lines, "", legend]) + "\n" + "".join(f"\n{problem}\n" for problem in problems)


def _scored(registry: Registry) -> tuple[dict[str, tuple[TrainingManifest, BeforeAfter]], list[str]]:
    found, problems = {}, []
    for entry in registry.checkpoints.values():
        try:
            manifest = find_manifest(entry.home) if entry.home else None
        except InputError as error:
            problems.append(str(error))
            continue
        if manifest is not None and manifest.scores is not None and manifest.scores.metrics:
            found[entry.name] = manifest, manifest.scores
    return found, problems


def _p(scores: BeforeAfter, metric: str) -> float:
    """The p-value of a metric's difference, NaN where there is none; from the interval over prompts where it was not kept."""
    found = scores.metrics[metric].difference if metric in scores.metrics else None
    if METRICS[metric].finish or found is None or math.isnan(found.lo):
        return math.nan
    if found.p is not None:
        return found.p
    interval = Interval(found.mean, found.lo, found.hi)
    return estimate_behind(interval, scores.prompts - 1).p if scores.prompts > 1 else math.nan


def _row(
    name: str, manifest: TrainingManifest, scores: BeforeAfter, shown: list[str], bold: Collection[tuple[str, str]]
) -> list[str]:
    source = str(manifest.data.source) if manifest.data else ""
    rate = scores.win_rate
    return [
        f"`{name}`",
        ", ".join(f"`{parent}`" for parent in manifest.parents),
        source or "its own pictures",
        "" if rate is None else with_ends(Interval(rate.mean, rate.lo, rate.hi)),
        *(_change(metric, scores.metrics.get(metric), (name, metric) in bold) for metric in shown),
        _minutes(manifest),
    ]


def _minutes(manifest: TrainingManifest) -> str:
    """What the optimisation took, without pictures and scores; nothing where that was not kept."""
    seconds = manifest.training.seconds if manifest.training else 0.0
    return f"{seconds / 60:.1f}" if seconds > 0 else ""


def _change(metric: str, change: MetricChange | None, bold: bool) -> str:
    """The paired difference with its interval; before and after where a metric has no difference prompt by prompt."""
    if change is None:
        return ""
    if METRICS[metric].finish or change.difference is None:
        return f"{change.before.mean:.2f} → {change.after.mean:.2f}"
    said = with_ends(change.gap, "+")
    return f"**{said}**" if bold else said


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
