"""What trained checkpoints gained and lost over their parents, as the table that docs/research.md shows."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from t2ialign.metrics import METRICS
from t2ialign.registry import Registry
from t2ialign.tradeoff import families
from t2ialign.tradeoff.interval import estimate_behind
from t2ialign.types import Interval
from t2ialign.use_cases.align.result import read_manifest

SHOWN = ("oracle_alignment", "clip_score", "factor_diversity", "lpips", "u_rke")


def markdown(registry: Registry) -> str:
    """A row for every checkpoint whose manifest holds scores before and after, in the registry's order.

    The differences are one family of tests: those that exclude zero also after Holm are bold, and the last line says so.
    """
    records = dict(_scored(registry))
    shown = [name for name in SHOWN if any(name in record["scores"]["metrics"] for record in records.values())]
    columns = ["checkpoint", "parent", "learns from", "win rate", *(f"`{name}`" for name in shown), "minutes"]
    ps = {(name, metric): _p(record["scores"], metric) for name, record in records.items() for metric in shown}
    bold = {key for key, p in zip(ps, families.holm(list(ps.values()))) if families.stands(p)}
    rows = [_row(name, record, shown, bold) for name, record in records.items()]
    lines = [_line(columns), "|---" * len(columns) + "|", *map(_line, rows)]
    return "\n".join([*lines, "", families.legend(families.tests(list(ps.values())))]) + "\n"


def _scored(registry: Registry) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for entry in registry.checkpoints.values():
        record = read_manifest(entry.adapter.parent) if isinstance(entry.adapter, Path) else {}
        if record.get("scores", {}).get("metrics"):
            yield entry.name, record


def _p(scores: Mapping[str, Any], metric: str) -> float:
    """The p-value of a metric's difference, NaN where there is none; from the interval over prompts where it was not kept."""
    found = scores["metrics"].get(metric, {}).get("difference")
    if METRICS[metric].finish or found is None or found["lo"] is None:
        return math.nan
    if "p" in found:
        return math.nan if found["p"] is None else found["p"]
    interval = Interval(found["mean"], found["lo"], found["hi"])
    return estimate_behind(interval, scores["prompts"] - 1).p if scores.get("prompts", 0) > 1 else math.nan


def _row(name: str, record: Mapping[str, Any], shown: list[str], bold: Collection[tuple[str, str]]) -> list[str]:
    scores = record["scores"]
    source = record.get("data", {}).get("source") or "its own pictures"
    return [
        f"`{name}`",
        ", ".join(f"`{parent}`" for parent in record.get("parents", ())),
        source,
        _interval(scores["win_rate"], "") if "win_rate" in scores else "",
        *(_change(metric, scores["metrics"].get(metric), (name, metric) in bold) for metric in shown),
        f"{record.get('wall_seconds', 0) / 60:.0f}",
    ]


def _change(metric: str, change: Mapping[str, Any] | None, bold: bool) -> str:
    """The paired difference with its interval; before and after where a metric has no difference prompt by prompt."""
    if change is None:
        return ""
    if METRICS[metric].finish or "difference" not in change:
        return f"{change['before']['mean']:.2f} → {change['after']['mean']:.2f}"
    said = _interval(change["difference"], "+")
    return f"**{said}**" if bold else said


def _interval(found: Mapping[str, Any], sign: str) -> str:
    if found["lo"] is None:
        return f"{found['mean']:{sign}.3f}"
    return f"{found['mean']:{sign}.3f} [{found['lo']:{sign}.3f}, {found['hi']:{sign}.3f}]"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
