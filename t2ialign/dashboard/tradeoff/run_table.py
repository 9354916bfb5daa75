"""The chart's legend as a table: every point with its history, its two values, and what it changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from t2ialign.codec import encode
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.chart_points import Chosen, Points
from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.templates import render
from t2ialign.methods import METHODS
from t2ialign.metrics import METRICS
from t2ialign.store import Mark, marks
from t2ialign.tradeoff.arrows import Arrow
from t2ialign.types import GenerationConfig, TradeoffPoint
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


def run_rows(services: Services, found: Points, arrows: Sequence[Arrow]) -> list[RunRow]:
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


def run_table(services: Services, chosen: Chosen, found: Points, arrows: Sequence[Arrow], picked: str) -> Markup:
    """The table, and below it the hidden and the deleted checkpoints; ``picked`` is the opened point's key."""
    return render(
        "tradeoff/run_table.html",
        rows=run_rows(services, found, arrows),
        x=chosen.x,
        y=chosen.y,
        whole=found.whole if chosen.comparable else 0,
        hidden=sorted(name for name, mark in marks(services.store).items() if mark.hidden),
        own=own(services.bench),
        gone=[name for name in removed(services.bench) if name not in services.checkpoints()],
        picked=picked,
    )


def differences(services: Services, one: TradeoffPoint, other: TradeoffPoint) -> Markup:
    """Two points' settings side by side, where they differ."""
    known = lineages(services.checkpoints().values())
    sides = [dict(_settings(point.config, known.get(point.config.checkpoint))) for point in (one, other)]
    names = list(dict.fromkeys([*sides[0], *sides[1]]))
    rows = [(name, sides[0].get(name, ""), sides[1].get(name, "")) for name in names]
    return render(
        "tradeoff/differences.html",
        titles=[f"{point.config.checkpoint} at CFG {point.config.guidance_scale:g}" for point in (one, other)],
        rows=[row for row in rows if row[1] != row[2]],
        same=sum(row[1] == row[2] for row in rows),
    )


def _settings(config: GenerationConfig, line: Lineage | None) -> Iterator[tuple[str, str]]:
    """What made a point, as (field, value): how it was sampled, and how its checkpoint was trained."""
    yield from _flat("sampling", encode(config))
    if line is None or line.manifest is None:
        return
    manifest = line.manifest
    if manifest.request is not None:
        yield from _flat("training", encode(manifest.request))
    if manifest.data is not None:
        yield from _flat("data", {"examples": manifest.data.examples, "sha256": manifest.data.sha256[:16]})
    if manifest.training is not None:
        yield from _flat("training", encode(manifest.training))
    yield "created", manifest.created


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _flat(f"{prefix}.{name}", part)
    elif value not in (None, "", [], {}):
        yield prefix, str(value)


def _day(created: str) -> str:
    """The day of an ISO date; empty for anything else."""
    try:
        return datetime.fromisoformat(created).date().isoformat()
    except ValueError:
        return ""
