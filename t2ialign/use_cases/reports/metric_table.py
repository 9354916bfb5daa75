"""docs/metrics.md, made from the metrics themselves, so that it cannot fall behind them.

A row's definition is its module's first line (or its record's, where it has no module), bounds, direction and caveat are
its record's, and the numbers beside an outside authority are those that ``benchmarks/agreement.py`` measured
(``data/agreement.json``), the coverage of intervals what ``benchmarks/coverage.py`` did (``data/coverage.md``).
"""

from __future__ import annotations

import json
import math
from importlib import import_module
from typing import Any

from t2ialign import settings
from t2ialign.metrics import METRICS, ON_REQUEST
from t2ialign.metrics.distribution import DISTRIBUTIONS
from t2ialign.types import Axis, Metric
from t2ialign.use_cases.reports.metric_words import EQUATIONS, INTERVALS, POPULATIONS, STAND_INS, TITLE

COLUMNS = (
    "metric",
    "definition",
    "equation",
    "reference",
    "ours / authority's",
    "bounds",
    "better",
    "what it misses",
    "cost",
)
AXES: tuple[Axis, ...] = ("alignment", "diversity")


def records() -> list[dict[str, Any]]:
    """What ``metrics --json`` prints: everything that a record says, and whether a plain run computes it."""
    return [
        {
            "name": metric.name,
            "title": metric.title,
            "axis": metric.axis,
            "level": metric.level,
            "needs": metric.needs,
            "unit": metric.unit,
            "bounds": metric.bounds,
            "higher_is_better": metric.higher_is_better,
            "definition": definition(metric),
            "equation": EQUATIONS[metric.name],
            "reference": metric.reference,
            "summary": metric.summary,
            "caveat": metric.caveat,
            "version": metric.version,
            "on_request": metric.name in ON_REQUEST,
        }
        for metric in METRICS.values()
    ]


def definition(metric: Metric) -> str:
    """What the metric is: its record says so, or the first line of its module."""
    said = metric.definition or import_module(f"t2ialign.metrics.{metric.name}").__doc__ or ""
    return " ".join(said.partition("\n\n")[0].split())


def markdown() -> str:
    """The whole document."""
    measured = agreement()
    parts = [TITLE]
    for axis in AXES:
        parts += [f"## {axis.capitalize()}", _rows([m for m in METRICS.values() if m.axis == axis], measured)]
    parts += [_beside(measured), INTERVALS, coverage(), _populations(), STAND_INS]
    return "\n\n".join(parts) + "\n"


def coverage() -> str:
    """How often intervals hold the truth, as ``benchmarks/coverage.py`` measured."""
    return (settings.DATA / "coverage.md").read_text(encoding="utf-8").strip()


def agreement() -> dict[str, Any]:
    """What ``benchmarks/agreement.py`` measured, as it is stored."""
    measured: dict[str, Any] = json.loads((settings.DATA / "agreement.json").read_text(encoding="utf-8"))
    return measured


def _rows(metrics: list[Metric], measured: dict[str, Any]) -> str:
    head = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    beside = {row["metric"]: f"{row['ours']:.4g} / {row['reference']:.4g}" for row in measured["beside"]}
    rows = (_row(metric, beside.get(metric.name, "-"), measured["cost"].get(metric.name)) for metric in metrics)
    return "\n".join([*head, *rows])


def _row(metric: Metric, beside: str, cost: float | None) -> str:
    cells = (
        f"`{metric.name}`{' (on request)' if metric.name in ON_REQUEST else ''}",
        definition(metric),
        f"`{EQUATIONS[metric.name]}`",
        metric.reference,
        beside,
        f"{_end(metric.bounds[0])} to {_end(metric.bounds[1])} ({metric.unit})",
        "higher" if metric.higher_is_better else "lower",
        metric.caveat or "-",
        f"{_cost(cost)}; {_needs(metric)}",
    )
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _end(bound: float) -> str:
    return ("any" if bound < 0 else "no end") if math.isinf(bound) else f"{bound:.3g}"


def _cost(milliseconds: float | None) -> str:
    return "not measured" if milliseconds is None else f"{milliseconds:.1f} ms"


def _needs(metric: Metric) -> str:
    return f"from {', '.join(metric.needs)}"


def _beside(measured: dict[str, Any]) -> str:
    head = ["| metric | authority | ours | authority's | relative difference |", "|---|---|---|---|---|"]
    rows = [
        f"| `{row['metric']}` | {row['authority']} | {row['ours']:.6f} | {row['reference']:.6f} | {_gap(row):.0e} |"
        for row in measured["beside"]
    ]
    said = (
        f"## Beside an outside authority\n\nMean over all pairs (or pictures) of {measured['pictures']}. "
        f"By `python -m benchmarks.agreement --save`, {measured['versions']}. `tests/metrics` holds every row to 1e-5, on "
        "random and natural pictures, odd sizes and constant ones too."
    )
    return "\n".join([said, "", *head, *rows])


def _populations() -> str:
    head = ["| metric | definition | reference | from | unit |", "|---|---|---|---|---|"]
    rows = [f"| `{d.name}` | {d.summary} | {d.reference} | {d.feature} | {d.unit} |" for d in DISTRIBUTIONS.values()]
    return "\n".join([POPULATIONS, "", *head, *rows])


def _gap(row: dict[str, Any]) -> float:
    ours, reference = float(row["ours"]), float(row["reference"])
    return abs(ours - reference) / max(abs(reference), 1e-12)
