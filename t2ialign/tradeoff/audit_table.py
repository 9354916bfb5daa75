"""An audit as a table: a row a metric, a column a question, each cell a number, what it means and how good it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from t2ialign.tradeoff.audit import MIXED, Audit, MetricAudit, Power, contradicts
from t2ialign.types import Axis, Interval

MOST_SEEDS = 32  # a metric that needs so many seeds to see a difference is as good as blind to it


@dataclass(frozen=True)
class AuditAnswer:
    """One answer: ``text`` as printed, ``good`` from 0 to 1 (NaN = no answer), ``said`` the answer in words."""

    text: str = ""
    good: float = math.nan
    said: str = ""


@dataclass(frozen=True)
class AuditRow:
    """One metric's answers in the order of the table's columns."""

    metric: str
    cells: tuple[AuditAnswer, ...]


@dataclass(frozen=True)
class AuditTable:
    """``columns`` are headings; ``groups`` names the question that each column belongs to."""

    columns: tuple[str, ...]
    groups: tuple[str, ...]
    rows: tuple[AuditRow, ...]


Column = tuple[str, str, Callable[[MetricAudit], AuditAnswer]]


def table(audit: Audit, axis: Axis, names: Sequence[str] = ()) -> AuditTable:
    """The table of one axis, ``names`` chooses rows (empty: all).

    Diversity metrics come in the order in which they follow the truth, others in that of their mean over all questions.
    """
    found = [entry for entry in audit.on(axis) if not names or entry.metric in names]
    columns = _diversity_columns(found) if axis == "diversity" else _alignment_columns(found)
    rows = [AuditRow(entry.metric, tuple(ask(entry) for _, _, ask in columns)) for entry in found]
    rows.sort(key=lambda row: -_goodness(row, columns))
    headings, groups = tuple(heading for heading, _, _ in columns), tuple(group for _, group, _ in columns)
    return AuditTable(headings, groups, tuple(rows))


def _goodness(row: AuditRow, columns: Sequence[Column]) -> float:
    """What rows are sorted by."""
    if columns and columns[0][0] == MIXED and not math.isnan(row.cells[0].good):
        return row.cells[0].good
    known = [cell.good for cell in row.cells if not math.isnan(cell.good)]
    return sum(known) / len(known) if known else -1.0


def _diversity_columns(found: Sequence[MetricAudit]) -> list[Column]:
    factors = sorted(dict.fromkeys(name for entry in found for name in entry.truth), key=lambda name: name != MIXED)
    changes = list(dict.fromkeys(name for entry in found for name in entry.nuisance))
    columns: list[Column] = [(name, "follows the true spread (tau)", _tau(name)) for name in factors]
    columns += [(name, "the same picture changed", _ratio(name)) for name in changes]
    if any(entry.copies for entry in found):
        columns.append(("4 pictures, 4 times", "copies", _copies))
    if any(entry.sizes for entry in found):
        columns.append(("4 pictures, not most", "number of pictures", _drift))
    return columns + _power_columns(found)


def _alignment_columns(found: Sequence[MetricAudit]) -> list[Column]:
    kinds = sorted({name for entry in found for name in entry.negatives})
    columns: list[Column] = [(name, "right before wrong", _share(name)) for name in kinds]
    if any(entry.agreement is not None for entry in found):
        columns.append(("generated pictures", "ranks as the oracle (tau)", _agreement))
    return columns + _power_columns(found)


def _power_columns(found: Sequence[MetricAudit]) -> list[Column]:
    scales = list(dict.fromkeys(power.scales for entry in found for power in entry.power))
    return [(f"CFG {low:g} or {high:g}", "seeds a prompt to tell", _seeds((low, high))) for low, high in scales]


def _tau(factor: str) -> Callable[[MetricAudit], AuditAnswer]:
    def ask(entry: MetricAudit) -> AuditAnswer:
        tau = entry.truth.get(factor)
        return (
            AuditAnswer()
            if tau is None
            else AuditAnswer(f"{tau.mean:.2f}", _cut(tau.mean), f"Kendall's tau {_words(tau)}")
        )

    return ask


def _ratio(change: str) -> Callable[[MetricAudit], AuditAnswer]:
    def ask(entry: MetricAudit) -> AuditAnswer:
        ratio = entry.nuisance.get(change)
        if ratio is None:
            return AuditAnswer()
        said = f"{change}: {_words(ratio)} of the distance between different pictures"
        return AuditAnswer(f"{ratio.mean:.2f}", _cut(1 - ratio.mean), said)

    return ask


def _copies(entry: MetricAudit) -> AuditAnswer:
    if not entry.copies:
        return AuditAnswer("no", 0.0, "copies count as different pictures") if entry.level == "image" else AuditAnswer()
    counted, noticed = entry.copies["counted"], entry.copies["noticed"]
    sixteen = "" if math.isnan(noticed.mean) else f", {_words(noticed)} of sixteen different ones"
    said = f"{_words(counted)} of four pictures{sixteen}"
    return AuditAnswer(f"{counted.mean:.2f}", _cut(1 - abs(counted.mean - 1)), said)


def _drift(entry: MetricAudit) -> AuditAnswer:
    if not entry.sizes:
        return AuditAnswer()
    few, most = min(entry.sizes), max(entry.sizes)
    ratio = entry.sizes[few]
    said = f"{few} pictures give {_words(ratio)} of what {most} give"
    return AuditAnswer(f"{ratio.mean:.2f}", _cut(1 - 2 * abs(ratio.mean - 1)), said)


def _seeds(scales: tuple[float, float]) -> Callable[[MetricAudit], AuditAnswer]:
    def ask(entry: MetricAudit) -> AuditAnswer:
        power = next((power for power in entry.power if power.scales == scales), None)
        return AuditAnswer() if power is None else _power(power)

    return ask


def _power(power: Power) -> AuditAnswer:
    said = f"changes by {_words(power.change, percent=True)}, the truth by {_words(power.truth, percent=True)}"
    if power.seeds is not None:
        return AuditAnswer(str(power.seeds), 1 - math.log2(power.seeds / 2) / math.log2(MOST_SEEDS / 2), said)
    return AuditAnswer("wrong" if contradicts(power) else "not", 0.0, said)


def _share(kind: str) -> Callable[[MetricAudit], AuditAnswer]:
    def ask(entry: MetricAudit) -> AuditAnswer:
        share = entry.negatives.get(kind)
        if share is None:
            return AuditAnswer()
        return AuditAnswer(f"{share.mean:.2f}", _cut(2 * share.mean - 1), f"right in {_words(share)} of cases")

    return ask


def _agreement(entry: MetricAudit) -> AuditAnswer:
    tau = entry.agreement
    if tau is None or math.isnan(tau.mean):
        return AuditAnswer()
    return AuditAnswer(f"{tau.mean:.2f}", _cut(tau.mean), f"Kendall's tau {_words(tau)}")


def _words(found: Interval, percent: bool = False) -> str:
    """``0.71 (0.66 to 0.75)``, or in per cent with signs."""
    form = "{:+.0%}" if percent else "{:.2f}"
    mean = form.format(found.mean)
    if math.isnan(found.lo) or math.isnan(found.hi):
        return mean
    return f"{mean} ({form.format(found.lo)} to {form.format(found.hi)})"


def _cut(value: float) -> float:
    return min(1.0, max(0.0, value))
