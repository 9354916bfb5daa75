"""Trade-off's handlers: plain functions of services and values that say what changes on the page."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from t2ialign.charts import Figure, standalone_html, tradeoff_figure
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.browser_events import DARK
from t2ialign.dashboard.shared.chart_points import Chosen, Points, choose, in_a_sentence, load_points, metric_choices
from t2ialign.dashboard.shared.html import explained, notice
from t2ialign.dashboard.shared.point_details import point_details
from t2ialign.dashboard.shared.point_details_view import all_points, back_to_all, point_details_html
from t2ialign.dashboard.shared.wiring import Updates, said
from t2ialign.store import Filters, choices, point_rows, write_table
from t2ialign.types import InputError

CHART_HEIGHT = 560


def show(services: Services, theme: str, x: str | None, y: str | None, *rest: Any) -> Updates:
    """The tab as the store is now: new choices, what was chosen stays, and the chart."""
    found = choices(services.store)
    chosen, metrics = choose(x or "", y or "", found["metrics"]), metric_choices(services)
    return {
        "x": gr.Dropdown(metrics, value=chosen.x.name if metrics else None),
        "y": gr.Dropdown(metrics, value=chosen.y.name if metrics else None),
        "categories": gr.Dropdown(found["categories"]),
        "checkpoints": gr.Dropdown(found["checkpoints"]),
        **draw(services, theme, x, y, *rest),
    }


def draw(
    services: Services,
    theme: str,
    x: str | None,
    y: str | None,
    categories: Sequence[str] | None,
    checkpoints: Sequence[str] | None,
    pareto: bool,
    point: str,
) -> Updates:
    """The chart with the clicked point ringed; a point that is no longer on it is no longer chosen."""
    chosen = chosen_of(services, x, y, categories, checkpoints)
    found = load_points(services, chosen)
    figure = _figure(services, found, chosen, pareto, theme == DARK, point)
    figure.update_layout(height=CHART_HEIGHT)
    updates: Updates = {"chart": figure}
    return updates if found.of(point) else {**updates, "point_details": _list(services, chosen, found), "point": ""}


def explain(services: Services, *controls: Any) -> Updates:
    """What the chart says, in words: an event of its own, because the bootstrap behind it takes its time."""
    chosen = chosen_of(services, *controls)
    found = load_points(services, chosen)
    which = explained({"Horizontal": chosen.x, "Vertical": chosen.y}, "axes")
    if found.points:
        return {"sentence": notice(in_a_sentence(found, chosen), "hint") + which}
    scored = choices(services.store)["metrics"]
    return {"sentence": notice("No point passes the filters: loosen them." if scored else "", "hint")}


def chosen_of(
    services: Services,
    x: str | None,
    y: str | None,
    categories: Sequence[str] | None = None,
    checkpoints: Sequence[str] | None = None,
) -> Chosen:
    """The controls as metrics and filters; empty means all."""
    filters = Filters(categories=tuple(categories or ()), checkpoints=tuple(checkpoints or ()))
    return choose(x or "", y or "", choices(services.store)["metrics"], filters)


def click_point(services: Services, data: Mapping[str, Any], *controls: Any) -> Updates:
    """The pictures behind a clicked point."""
    return _show(services, chosen_of(services, *controls), said(data, "point"))


def choose_prompt(services: Services, data: Mapping[str, Any], *controls: Any) -> Updates:
    """A point of the list, another prompt of the same point, or (no point) the list of all."""
    if not said(data, "point"):
        chosen = chosen_of(services, *controls)
        return {"point_details": _list(services, chosen, load_points(services, chosen)), "point": ""}
    return _show(services, chosen_of(services, *controls), said(data, "point"), said(data, "cell"))


def _show(services: Services, chosen: Chosen, point: str, cell: str = "") -> Updates:
    try:
        found = point_details(services, chosen, point, cell)
    except InputError as error:
        return {"point_details": notice(str(error)), "point": ""}
    return {"point_details": back_to_all() + point_details_html(found), "point": found.point.config.key}


def _list(services: Services, chosen: Chosen, found: Points) -> str:
    return all_points(found.points, chosen.x, chosen.y, services.palette())


def export(services: Services, suffix: str, theme: str, pareto: bool, *controls: Any) -> Updates:
    """The chart's points as ``.csv`` or ``.parquet``, or the chart as one ``.html`` file that needs no network."""
    chosen = chosen_of(services, *controls)
    found = load_points(services, chosen)
    folder = Path(services.exports.name) / uuid.uuid4().hex
    path = folder / f"tradeoff-{chosen.x.name}-{chosen.y.name}{suffix}"
    folder.mkdir(parents=True)
    try:
        _write(path, services, found, chosen, pareto, theme == DARK)
    except InputError as error:
        return {"problem": notice(str(error)), "file": None}
    return {"problem": "", "file": str(path)}


def _write(path: Path, services: Services, found: Points, chosen: Chosen, pareto: bool, dark: bool) -> None:
    if path.suffix != ".html":
        write_table(point_rows(found.points), path)
        return
    title = f"{chosen.x.title} against {chosen.y.title}"
    figure = _figure(services, found, chosen, pareto, dark, "")
    path.write_text(standalone_html(figure, title, dark), encoding="utf-8")


def _figure(services: Services, found: Points, chosen: Chosen, pareto: bool, dark: bool, point: str) -> Figure:
    ringed = {point} if point else set()
    return tradeoff_figure(found.points, chosen.x, chosen.y, ringed, pareto, dark, services.order())
