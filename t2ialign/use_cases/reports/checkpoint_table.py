"""What trained checkpoints gained and lost over their parents, as the table that docs/research.md shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from t2ialign.metrics import METRICS
from t2ialign.registry import Registry
from t2ialign.use_cases.align.result import read_manifest

SHOWN = ("oracle_alignment", "clip_score", "factor_diversity", "lpips", "u_rke")


def markdown(registry: Registry) -> str:
    """A row for every checkpoint whose manifest holds scores before and after, in the registry's order."""
    records = dict(_scored(registry))
    shown = [name for name in SHOWN if any(name in record["scores"]["metrics"] for record in records.values())]
    columns = ["checkpoint", "parent", "learns from", "win rate", *(f"`{name}`" for name in shown), "minutes"]
    rows = [_row(name, record, shown) for name, record in records.items()]
    return "\n".join([_line(columns), "|---" * len(columns) + "|", *map(_line, rows)]) + "\n"


def _scored(registry: Registry) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for entry in registry.checkpoints.values():
        record = read_manifest(entry.adapter.parent) if isinstance(entry.adapter, Path) else {}
        if record.get("scores", {}).get("metrics"):
            yield entry.name, record


def _row(name: str, record: Mapping[str, Any], shown: list[str]) -> list[str]:
    scores = record["scores"]
    source = record.get("data", {}).get("source") or "its own pictures"
    return [
        f"`{name}`",
        ", ".join(f"`{parent}`" for parent in record.get("parents", ())),
        source,
        _interval(scores["win_rate"], "") if "win_rate" in scores else "",
        *(_change(name, scores["metrics"].get(name)) for name in shown),
        f"{record.get('wall_seconds', 0) / 60:.0f}",
    ]


def _change(metric: str, change: Mapping[str, Any] | None) -> str:
    """The paired difference with its interval; before and after where a metric has no difference prompt by prompt."""
    if change is None:
        return ""
    if METRICS[metric].finish or "difference" not in change:
        return f"{change['before']['mean']:.2f} → {change['after']['mean']:.2f}"
    return _interval(change["difference"], "+")


def _interval(found: Mapping[str, Any], sign: str) -> str:
    return f"{found['mean']:{sign}.3f} [{found['lo']:{sign}.3f}, {found['hi']:{sign}.3f}]"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
