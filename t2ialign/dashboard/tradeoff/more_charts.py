"""Trade-off's charts beside the chart: drawn while their fold is open, with a sentence, an address and files of their own.

A click on a mark opens what lies behind it: a point, a checkpoint's points, one cell; of a matrix the scatter of two metrics.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import gradio as gr

from t2ialign.charts import mark, standalone_html
from t2ialign.charts.drawn import drawn_figure
from t2ialign.charts.theme import empty_figure
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.browser_events import DARK
from t2ialign.dashboard.shared.chart_points import load_points
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.point_details_view import all_points, back_to_all
from t2ialign.dashboard.shared.wiring import Updates, asset, said
from t2ialign.dashboard.tradeoff.axes_view import EXPORTS, PICTURES
from t2ialign.dashboard.tradeoff.handlers import choose_prompt, chosen_of
from t2ialign.store import titles, write_table
from t2ialign.tradeoff.relations import QUESTIONS
from t2ialign.types import InputError
from t2ialign.use_cases.align.lineage import lineages, steps_of
from t2ialign.use_cases.align.run_doses import run_doses
from t2ialign.use_cases.batches.rescore import current_version
from t2ialign.use_cases.reports.chart_query import ChartQuery, MoreChart
from t2ialign.use_cases.reports.metric_pairs import metric_scatter
from t2ialign.use_cases.reports.more_charts import TITLES, more_chart

FIRST, PLANE = "edge", "strength"
NO_SET = "Choose a benchmark set above: on everything stored nothing is compared."
MARKS, FIELDS = "A click on a mark opens what lies behind it.", "A click on a field draws its two metrics."
PLANES = "Rows are an adapter's weights, or a training's steps, rounds or beta; columns are CFG."
CHARTS = {"more": "t2-more-chart", "pair": "t2-more-pair-chart"}  # the chart, and the scatter of two of its metrics
DRAWN = (
    "more_said",
    "more_plot",
    "more_asked",
    "more_open",
    "more_address",
    "more_plane",
    "pair_block",
    "pair_said",
    "pair_plot",
    "pair",
)


def panel() -> dict[str, Any]:
    """Folded away, and empty until it is opened."""
    with gr.Accordion("More charts of this set", open=False, elem_id="t2-more") as fold:
        with gr.Row():
            kind = gr.Dropdown(
                [(title, name) for name, title in TITLES.items()],
                value=FIRST,
                label="Chart",
                filterable=False,
                scale=3,
                min_width=260,
                elem_id="t2-more-kind",
            )
            buttons = _exports("more")
        plane = gr.Dropdown(
            [], label="Plane", info=PLANES, visible=False, filterable=False, min_width=260, elem_id="t2-more-plane"
        )
        words = gr.HTML("", apply_default_css=False, elem_id="t2-more-said")
        plot = gr.Plot(show_label=False, container=False, elem_id=CHARTS["more"])
        with gr.Column(visible=False, elem_id="t2-more-pair") as block:
            pair_said = gr.HTML("", apply_default_css=False, elem_id="t2-more-pair-said")
            pair_plot = gr.Plot(show_label=False, container=False, elem_id=CHARTS["pair"])
            with gr.Row():
                buttons |= _exports("pair")
        # what the chart on show was drawn for: a file is of that, whatever the controls say since
        asked = gr.State(None)
        # in the browser, so that it says no more than the chart's name does there: an address opens both at once
        is_open = gr.Checkbox(False, visible="hidden")
        pair, address = gr.Textbox("", visible="hidden"), gr.Textbox("", visible="hidden")
        script = asset("tradeoff/more_charts.js")
        marks = gr.HTML("", js_on_load=script, elem_classes="t2-hidden", apply_default_css=False)
    return {
        "more": fold,
        "more_kind": kind,
        "more_plane": plane,
        "more_said": words,
        "more_plot": plot,
        "more_asked": asked,
        "more_open": is_open,
        "more_address": address,
        "more_marks": marks,
        "pair_block": block,
        "pair_said": pair_said,
        "pair_plot": pair_plot,
        "pair": pair,
        **buttons,
    }


def _exports(chart: str) -> dict[str, Any]:
    """A button a format, and one for the address."""
    names = {**PICTURES, **EXPORTS, "link": "Copy link"}
    return {
        f"{chart}_{name}": gr.Button(
            label, size="sm", scale=0, min_width=110 if name == "link" else 70, elem_id=f"t2-{chart}-{name}"
        )
        for name, label in names.items()
    }


def draw_more(services: Services, theme: str, kind: str, plane: str | None, pair: str, *controls: Any) -> Updates:
    """The chart of the set that the controls name, with the scatter of a pair of its metrics; or what it needs.

    ``plane``: which of the strength planes.
    """
    asked = (kind, plane or "", *controls)
    updates: Updates = {"more_asked": asked, "more_open": True, "more_plane": gr.Dropdown(visible=False)}
    try:
        found = _found(services, *asked)
        if found.drawn is None:
            raise InputError(found.sentence)
    except InputError as error:
        nothing = empty_figure("", theme == DARK, height=120)
        return updates | {"more_said": notice(str(error), "note"), "more_plot": nothing} | _no_pair(kind)
    if found.menu:
        updates |= {"more_plane": gr.Dropdown(list(found.menu), value=found.part, visible=True)}
        updates |= {"more_asked": (kind, found.part, *controls)}
    shown = drawn_figure(found.drawn, theme == DARK)
    click = FIELDS if kind in QUESTIONS else MARKS
    updates |= {"more_said": notice(f"{found.sentence} {click}", "hint"), "more_plot": shown}
    if kind in QUESTIONS and pair:
        return updates | _pair(services, theme, pair, *asked)
    return updates | _no_pair(kind, found.part)


def arrive_more(data: Mapping[str, Any], asked: Sequence[Any] | None) -> Updates:
    """The first time that the page is shown, the chart that its address names."""
    query = said(data, "query").removeprefix("?")
    [named] = parse_qs(query, max_num_fields=100).get("more", [""])[:1] if len(query) < 4096 else [""]
    kind, _, part = named.partition(":")
    if asked is not None or kind not in TITLES:
        return {}
    opened: Updates = {"more": gr.Accordion(open=True), "more_kind": kind, "more_open": True}
    if kind != PLANE:
        return opened | {"pair": part}
    return opened | {"more_plane": gr.Dropdown([part], value=part)} if part else opened


def follow_more(services: Services, is_open: bool, *drawn: Any) -> Updates:
    """The chart anew after a control has changed, where it is on show; ``drawn`` are the arguments of ``draw_more``."""
    return draw_more(services, *drawn) if is_open else {}


def close_more() -> Updates:
    """A closed fold is in no address, and is not drawn."""
    return {"more_open": False, "more_address": json.dumps({"more": ""})}


def open_mark(services: Services, data: Mapping[str, Any], theme: str, asked: Sequence[Any] | None) -> Updates:
    """What lies behind a mark that was clicked; ``data`` is the browser's, and may say anything."""
    behind = mark.read(said(data, "mark"))
    if behind is None or asked is None:
        return {}
    _, _, *controls = asked
    if behind.kind == mark.PAIR:
        return _pair(services, theme, ":".join(behind.names), *asked)
    if behind.kind == mark.CELL:
        config, cell = behind.names
        return choose_prompt(services, {"point": config, "cell": cell}, *controls)
    if behind.kind in (mark.CHECKPOINT, mark.CONFIGS):
        chosen = chosen_of(services, *controls)
        own = [
            point
            for point in load_points(services, chosen).points
            if (point.config.checkpoint if behind.kind == mark.CHECKPOINT else point.config.key) in behind.names
        ]
        listed = all_points(own, chosen.x, chosen.y, services.palette(), titles(services.store))
        return {"point_details": back_to_all() + listed}
    return {"point": behind.names[0]}


def export_more(
    services: Services, suffix: str, theme: str, asked: Sequence[Any] | None, pair: str | None = None
) -> Updates:
    """The numbers of the chart on show as CSV or Parquet, or itself as an HTML file that needs no network.

    ``pair``: of the scatter of these two metrics instead.
    """
    try:
        if asked is None:
            raise InputError("Open the chart first, then take it away.")
        kind = asked[0]
        found = _found(services, *asked) if pair is None else _scatter(services, pair, *asked)
        if found.drawn is None:
            raise InputError(found.sentence)
    except InputError as error:
        return {"problem": notice(str(error)), "file": None}
    path = services.new_export() / f"{kind or FIRST}{'-pair' if pair else ''}{suffix}"
    if suffix == ".html":
        title, dark = f"{found.title}. {found.sentence}", theme == DARK
        path.write_text(standalone_html(drawn_figure(found.drawn, dark), title, dark), encoding="utf-8")
    else:
        write_table([asdict(row) for row in found.rows], path)
    return {"problem": "", "file": str(path)}


def _no_pair(kind: str, part: str = "") -> Updates:
    hidden = {"pair_block": gr.Column(visible=False), "pair_said": "", "pair_plot": None, "pair": ""}
    return hidden | {"more_address": json.dumps({"more": f"{kind}:{part}" if part else kind})}


def _pair(services: Services, theme: str, pair: str, kind: str, *asked: Any) -> Updates:
    """The scatter of two metrics under their matrix, or a sentence in its place."""
    shown = {
        "pair_block": gr.Column(visible=True),
        "pair": pair,
        "more_address": json.dumps({"more": f"{kind}:{pair}"}),
    }
    try:
        found = _scatter(services, pair, kind, *asked)
    except InputError as error:
        return _no_pair(kind) | {"pair_block": gr.Column(visible=True), "pair_said": notice(str(error), "note")}
    assert found.drawn is not None
    return shown | {"pair_said": notice(found.sentence, "hint"), "pair_plot": drawn_figure(found.drawn, theme == DARK)}


def _scatter(services: Services, pair: str, kind: str, plane: str, *controls: Any) -> MoreChart:
    one, _, other = pair.partition(":")
    level = next((level for level in QUESTIONS if level == kind), None)
    if level is None:
        raise InputError("Two metrics stand beside each other under a matrix of metrics: choose one of those charts.")
    return metric_scatter(_asked(services, *controls), level, one, other)


def _found(services: Services, kind: str, plane: str, *controls: Any) -> MoreChart:
    return more_chart(_asked(services, *controls), kind or FIRST, plane)


def _asked(services: Services, *controls: Any) -> ChartQuery:
    chosen = chosen_of(services, *controls)
    if not chosen.comparable:
        raise InputError(NO_SET)
    today = partial(current_version, services.bench)
    known = services.bench.registry().checkpoints
    ends = steps_of(lineages(known.values()))
    return ChartQuery(services.store, chosen.x, chosen.y, chosen.shown, today, ends, run_doses(known))
