"""The chart's legend as a table: every point with its history, its two values, and what it changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.chart_points import ChartChoice, ChartPoints
from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.tradeoff.comparing import MOST
from t2ialign.methods import METHODS
from t2ialign.metrics import METRICS
from t2ialign.names import guided
from t2ialign.store import Mark, marks, titles
from t2ialign.tradeoff.arrows import Arrow
from t2ialign.types import TradeoffPoint
from t2ialign.use_cases.align.lineage import Lineage, lineages
from t2ialign.use_cases.align.removal import own, removed


@dataclass(frozen=True)
class RunRow:
    """One point of the chart. ``arrow`` is what it changed against its parent, None for the base and where none is known."""

    point: TradeoffPoint
    look: Look
    line: Lineage
    mark: Mark
    method: str
    day: str
    arrow: Arrow | None = None

    @property
    def judge(self) -> str:
        """Who prefers, in words."""
        return METRICS[self.arrow.judged.metric].title if self.arrow and self.arrow.judged else ""

    @property
    def guided(self) -> str:
        """`` with cads``; empty for plain guidance."""
        return guided(self.point.config)


def run_rows(services: Services, found: ChartPoints, arrows: Sequence[Arrow]) -> list[RunRow]:
    """Starred checkpoints first, then in the order of the points."""
    known, marked, palette = lineages(services.checkpoints().values()), marks(services.store), services.palette()
    changed = {arrow.policy: arrow for arrow in arrows}
    rows = []
    for point in found.points:
        name = point.config.checkpoint
        line = known.get(name, Lineage(name))
        method = METHODS[line.method].title if line.method in METHODS else line.method
        day = _day(line.created)
        mark = marked.get(name, Mark())
        rows.append(RunRow(point, palette[name], line, mark, method, day, changed.get(point.config)))
    return sorted(rows, key=lambda row: not row.mark.starred)


def run_table(
    services: Services, chosen: ChartChoice, found: ChartPoints, arrows: Sequence[Arrow], picked: str
) -> Markup:
    """The table, and below it the hidden and the deleted checkpoints; ``picked`` is the opened point's key."""
    return render(
        "tradeoff/run_table.html",
        rows=run_rows(services, found, arrows),
        x=chosen.x,
        y=chosen.y,
        whole=found.whole if chosen.comparable else 0,
        hidden=sorted(name for name, mark in marks(services.store).items() if mark.hidden),
        titles=titles(services.store),
        most=MOST,
        own=own(services.bench),
        gone=[name for name in removed(services.bench) if name not in services.checkpoints()],
        picked=picked,
    )


def _day(created: str) -> str:
    """The day of an ISO date; empty for anything else."""
    try:
        return datetime.fromisoformat(created).date().isoformat()
    except ValueError:
        return ""
