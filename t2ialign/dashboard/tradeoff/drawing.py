"""What the Trade-off chart is drawn from, and how it is looked at: plain values or differences, split, with its band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import Any, NamedTuple

from t2ialign.charts import Figure, tradeoff_figure
from t2ialign.charts.differences import differences_figure
from t2ialign.charts.facets import facets_figure
from t2ialign.charts.front_band import with_front_band
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.chart_points import (
    ChartChoice,
    ChartPoints,
    load_arrows,
    load_cells,
    load_differences,
    load_points,
)
from t2ialign.names import setting_name
from t2ialign.store import choices, point_rows, titles
from t2ialign.tradeoff.arrows import Arrow
from t2ialign.tradeoff.differences import Differences
from t2ialign.tradeoff.front_band import Edge, Knee, Volume, edge, knee, volumes
from t2ialign.types import Metric, TradeoffPoint

CHART_HEIGHT = 560
MOST_PANELS = 12
FEW_BARS = 12  # points whose bars a panel has room for
NO_REFERENCE = [("The values themselves", "")]


@dataclass(frozen=True)
class ChartLook:
    """How the chart is looked at.

    ``against``: the key of the config that all others are set against, "" for plain values. ``split``: a panel for each
    category of prompts. ``band``: the front's bootstrap band and its knee, on plain values of one panel.
    """

    pareto: bool = True
    against: str = ""
    split: bool = False
    band: bool = False

    @property
    def plain(self) -> bool:
        return not self.against and not self.split


class Front(NamedTuple):
    """The front of one benchmark set by bootstrap; None where there is none."""

    edge: Edge | None = None
    knee: Knee | None = None
    volumes: tuple[Volume, ...] = ()


class Panel(NamedTuple):
    """What one panel shows: points with their arrows, or paired differences; ``title`` is empty where there is one panel."""

    title: str
    points: tuple[TradeoffPoint, ...]
    whole: int
    arrows: tuple[Arrow, ...] = ()
    less: Differences | None = None


class DrawnChart(NamedTuple):
    """All that a chart is drawn from; ``point`` is the ringed one's key, ``order`` that of the colours."""

    panels: tuple[Panel, ...]
    x: Metric
    y: Metric
    pareto: bool
    front: Front
    dark: bool
    point: str
    order: tuple[str, ...]
    called: tuple[tuple[str, str], ...]

    def figure(self) -> Figure:
        """The chart, as high as the page has it."""
        drawn = [(panel.title, self._drawn(panel)) for panel in self.panels]
        if len(drawn) > 1:
            return facets_figure(drawn, self.dark, self._kept)
        chart = with_front_band(drawn[0][1], self.front.edge, self.front.knee, self.dark)
        return chart.update_layout(height=CHART_HEIGHT)

    @property
    def _kept(self) -> set[str]:
        """The names that a crowded panel keeps: the base's and the ringed one's."""
        called = dict(self.called)
        ringed = {
            one.config.checkpoint for panel in self.panels for one in panel.points if one.config.key == self.point
        }
        return {escape(called.get(name, name)) for name in {"base", *ringed}}

    def _drawn(self, panel: Panel) -> Figure:
        ringed = {self.point} if self.point else set()
        shown = (self.x, self.y, ringed, self.pareto, self.dark, self.order)
        called = dict(self.called)
        # One kind's few prompts have wide bars, and those of many points would stretch the axes of all panels.
        bars = not panel.title or len(panel.points) <= FEW_BARS
        if panel.less is not None:
            return differences_figure(panel.less, *shown, whole=panel.whole, named=True, titles=called, bars=bars)
        return tradeoff_figure(
            panel.points, *shown, bars, arrows=panel.arrows, whole=panel.whole, named=True, titles=called
        )


def picture(
    services: Services, chosen: ChartChoice, found: ChartPoints, view: ChartLook, dark: bool, point: str = ""
) -> DrawnChart:
    """What the chart shows of some points."""
    front = front_of(services, chosen, found) if view.band and view.plain else Front()
    return DrawnChart(
        panels(services, chosen, found, view),
        chosen.x,
        chosen.y,
        view.pareto and chosen.comparable,
        front,
        dark,
        point,
        tuple(services.order()),
        tuple(titles(services.store).items()),
    )


def panels(services: Services, chosen: ChartChoice, found: ChartPoints, view: ChartLook) -> tuple[Panel, ...]:
    """One panel, or one a category of prompts that has points."""
    if not view.split:
        return (_panel(services, chosen, found, view, ""),)
    made = []
    for category in categories(services, chosen)[:MOST_PANELS]:
        one = replace(chosen, filters=replace(chosen.filters, categories=(category,)))
        own = load_points(services, one)
        if own.points:
            made.append(_panel(services, one, own, view, category))
    return tuple(made) or (_panel(services, chosen, found, replace(view, split=False), ""),)


def categories(services: Services, chosen: ChartChoice) -> tuple[str, ...]:
    """The categories of prompts that are chosen, or all."""
    return chosen.filters.categories or tuple(choices(services.store)["categories"])


def _panel(services: Services, chosen: ChartChoice, found: ChartPoints, view: ChartLook, title: str) -> Panel:
    reference = found.of(view.against)
    if reference is not None:
        less = load_differences(services, chosen, found, reference)
        return Panel(title, less.points, found.whole, less=less)
    return Panel(title, found.points, found.whole, tuple(load_arrows(services, chosen, found)))


def front_of(services: Services, chosen: ChartChoice, found: ChartPoints) -> Front:
    """The front's band, its knee, and how much each checkpoint dominates; kept, for a bootstrap takes its time."""
    if not chosen.comparable:
        return Front()
    return services.charts.ask(("front", found.points), partial(_front, services, chosen))


def _front(services: Services, chosen: ChartChoice) -> Front:
    cells = load_cells(services, chosen)
    best = edge(cells, chosen.x, chosen.y)
    if best is None or len(best.levels) < 2:
        return Front()
    return Front(best, knee(cells, chosen.x, chosen.y), tuple(volumes(cells, chosen.x, chosen.y)))


def references(services: Services, found: ChartPoints) -> list[tuple[str, str]]:
    """What differences may be taken from, as (label, key): nothing, then every point, the base's first."""
    called = titles(services.store)
    points = sorted(found.points, key=lambda point: point.config.checkpoint != "base")
    labels = [setting_name(point.config, called) for point in points]
    told = [
        label if labels.count(label) == 1 else f"{label}, {point.config.key[:6]}"
        for label, point in zip(labels, points)
    ]
    return [*NO_REFERENCE, *((f"Change from {label}", point.config.key) for label, point in zip(told, points))]


def rows_of(made: DrawnChart) -> list[dict[str, Any]]:
    """The chart's numbers, one row a point: of differences with what was taken away, of panels with their category."""
    return [row for panel in made.panels for row in _rows(panel, dict(made.called), len(made.panels) > 1)]


def _rows(panel: Panel, called: Mapping[str, str], several: bool) -> Sequence[dict[str, Any]]:
    more: dict[str, Any] = {"category": panel.title} if several else {}
    if panel.less is not None:
        reference = panel.less.reference
        more |= {"less": setting_name(reference, called), "less_config": reference.key}
    return [more | row for row in point_rows(panel.points)]
