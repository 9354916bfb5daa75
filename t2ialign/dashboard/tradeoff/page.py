"""Trade-off: every scored checkpoint and guidance as a point, and the pictures behind each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gradio as gr
from gradio.events import Dependency

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.browser_events import chart_bridge, page_bridge
from t2ialign.dashboard.shared.files_taken import taken_away
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.owner_lock import shared_key
from t2ialign.dashboard.shared.point_details import strip_of
from t2ialign.dashboard.shared.point_details_view import nothing_chosen
from t2ialign.dashboard.shared.results_panel import point_details_panel
from t2ialign.dashboard.shared.wiring import Updates, Wires, asset
from t2ialign.dashboard.tradeoff import comparing, handlers, metric_trust, more_charts
from t2ialign.dashboard.tradeoff.axes_view import EXPORTS, PICTURES, axes_panel, export_panel

TITLE = "Trade-off"
PLOT = "t2-tradeoff-chart"
CONTROLS = ("benchmark", "x", "y", "categories", "checkpoints")
LOOKS = ("against", "split", "band")
DRAWN = ("chart", "against", "headline", "table", "point_details", "point", "address")
DOWNLOAD = "() => setTimeout(() => document.querySelector('#t2-file')?.click(), 150)"


def build(services: Services) -> None:
    """The tab with its events."""
    components = _components(services)
    wires = Wires(components)
    events = _wire_chart(wires, services)
    _wire_trust(wires, services, events)
    _wire_files(wires, services, "", PLOT, handlers.export, ("page", "pareto", *CONTROLS, *LOOKS))
    _wire_more(wires, services, events)


def _components(services: Services) -> dict[str, Any]:
    components = {
        "page": page_bridge(),
        "point": gr.Textbox("", visible="hidden"),
        "address": gr.Textbox("", visible="hidden"),
        "stray": gr.Textbox("", visible="hidden"),
        "drawn": gr.Number(0, visible="hidden"),
        "ticked": gr.Textbox("", visible="hidden"),
        "key": shared_key(),
        **axes_panel(),
    }
    components["headline"] = gr.HTML("", apply_default_css=False, elem_id="t2-tradeoff-headline")
    with gr.Row(elem_id="t2-tradeoff-row"):
        with gr.Column(scale=3, min_width=440):
            components["chart"] = gr.Plot(show_label=False, container=False, elem_id=PLOT)
            components["sentence"] = gr.HTML("", apply_default_css=False, elem_id="t2-sentence")
            components |= _rescoring()
            components |= export_panel()
        with gr.Column(scale=2, min_width=300):
            components["point_details"] = point_details_panel("t2-tradeoff-point-details", nothing_chosen())
    script = asset("shared/rename.js") + asset("tradeoff/run_table.js")
    components["table"] = gr.HTML("", js_on_load=script, apply_default_css=False, elem_id="t2-run-table")
    components["differences"] = gr.HTML("", apply_default_css=False, elem_id="t2-differences")
    components |= _curves()
    components |= more_charts.panel()
    with gr.Accordion("Which metric tells the truth?", open=False, elem_id="t2-truth") as components["truth"]:
        components["audit"] = gr.HTML("", apply_default_css=False)
        components["heat"] = gr.Plot(show_label=False, container=False, elem_id="t2-heat")
    components["points"] = chart_bridge(PLOT, partial(_strip, services))
    return components


def _curves() -> dict[str, Any]:
    """The training curves of the ticked runs, out of sight until there are some."""
    names = gr.HTML("", apply_default_css=False, elem_id="t2-curve-names")
    with gr.Row(visible=False, elem_id="t2-overlay") as row:
        plots = {}
        for name in comparing.PLOTS:
            with gr.Column(min_width=250, elem_classes="t2-curve"):
                plots[name] = gr.Plot(show_label=False, container=False, elem_id=f"t2-overlay-{name}")
    return {"curve_names": names, "curves": row, **plots}


def _rescoring() -> dict[str, Any]:
    """An offer where scores of another metric version are left out."""
    with gr.Row(elem_id="t2-rescoring"):
        button = gr.Button("Score anew", size="sm", scale=0, min_width=160, visible=False, elem_id="t2-rescore")
        said = gr.HTML("", apply_default_css=False)
    return {"rescore": button, "rescored": said, "clock": gr.Timer(1.5, active=False)}


def _strip(services: Services, key: str) -> list[str]:
    return strip_of(services, handlers.chosen_of(services, handlers.EVERYTHING, None, None), key)


def _wire_chart(wires: Wires, services: Services) -> list[Dependency]:
    """Any control draws the chart anew, and the words about it come after; a click shows what is behind a point.

    Returns what has drawn the chart. What else waits for a control must come after that: where two events of one
    trigger are both ``always_last``, Gradio lets each start the other for ever.
    """
    parts = wires.components
    draw = partial(handlers.draw, services)
    inputs = ("page", *CONTROLS, "pareto", "point", *LOOKS)
    made = wires.on(parts["make_set"].click, partial(handlers.begin_set, services), ("key", "stray"), ("benchmark",))
    wires.on(parts["new_set"].expand, partial(handlers.offer_prompts, services), ("key",), ("set_prompts",))
    asked = ("key", "set_prompts", "set_seeds")
    chosen = wires.on(parts["set_make"].click, partial(handlers.set_of_prompts, services), asked, ("benchmark",))
    shown = [parts["page"].shown, parts["key"].change]
    wires.on(shown, handlers.opened, ("key",), ("new_set",), trigger_mode="multiple")
    events = [
        wires.on(chosen.then, draw, inputs, DRAWN),
        wires.on(made.then, draw, inputs, DRAWN),  # only then is the new set the chosen one
        wires.on_event(
            parts["page"].shown, partial(handlers.show, services), inputs[1:], (*CONTROLS, *LOOKS[1:], *DRAWN)
        ),
        wires.on(
            [
                parts["page"].change,
                parts["drawn"].change,
                *(parts[name].input for name in (*CONTROLS, "pareto", *LOOKS)),
            ],
            draw,
            inputs,
            DRAWN,
            trigger_mode="always_last",
        ),
    ]
    opened = wires.on(parts["point"].change, draw, inputs, DRAWN)
    for drawn in (*events, opened):
        wires.on(drawn.then, partial(handlers.explain, services), (*CONTROLS, "point", *LOOKS), ("sentence",))
    for drawn in events:
        wires.on(drawn.then, partial(handlers.offer_set, services), ("key",), ("make_set", "stray"))
    parts["address"].change(None, parts["address"], None, js=asset("tradeoff/address.js"), show_progress="hidden")
    clicked = partial(handlers.click_point, services)
    wires.on_event(parts["points"].select, clicked, (), ("point",))
    prompt = partial(handlers.choose_prompt, services)
    looked = ("point_details", "point")
    wires.on_event(parts["point_details"].select, prompt, CONTROLS, looked)
    wires.on_event(parts["table"].select, partial(handlers.choose_run, services), ("key",), ("point", "drawn"))
    parts["table"].input(None, None, parts["ticked"], js=asset("tradeoff/ticked.js"), show_progress="hidden")
    compare = partial(handlers.compare_runs, services)
    seen = ("ticked", "page", *CONTROLS)
    wires.on(parts["ticked"].change, compare, seen, comparing.SHOWN, trigger_mode="always_last")
    return events


def _wire_trust(wires: Wires, services: Services, events: list[Dependency]) -> None:
    """Verdicts and the offer follow the chart, and the chart follows what came of the offer."""
    parts, offered, judged = wires.components, ("rescore", "rescored", "clock"), ("audit", "heat")
    verdicts = partial(metric_trust.show_audit, services)
    for drawn in events:
        wires.on(drawn.then, partial(metric_trust.offer_to, services), ("key", *CONTROLS), offered)
        wires.on(drawn.then, verdicts, ("page", *CONTROLS), judged)
    wires.on(parts["truth"].expand, verdicts, ("page", *CONTROLS), judged)
    begin = owner.owned(partial(metric_trust.begin, services), lambda sentence: {"rescored": notice(sentence)})
    wires.on(parts["rescore"].click, begin, ("key", *CONTROLS), offered, trigger_mode="once")
    tick = partial(metric_trust.tick, services)
    wires.on(parts["clock"].tick, tick, ("page", *CONTROLS, "pareto", "point", *LOOKS), (*offered, *DRAWN, "sentence"))


def _wire_more(wires: Wires, services: Services, events: list[Dependency]) -> None:
    """Drawn when it is opened or another chart is chosen, and with the chart while it is open; a closed one costs nothing."""
    parts, asked = wires.components, ("page", "more_kind", "more_plane", "pair", *CONTROLS)
    drawing, follow = partial(more_charts.draw_more, services), partial(more_charts.follow_more, services)
    opened = [parts["more"].expand, parts["more_kind"].input, parts["more_plane"].input]
    wires.on(opened, drawing, asked, more_charts.DRAWN, trigger_mode="always_last")
    wires.on(parts["more"].collapse, more_charts.close_more, (), ("more_open", "more_address"))
    named = ("more", "more_kind", "more_open", "more_plane", "pair")
    arrived = wires.on_event(parts["page"].shown, more_charts.arrive_more, ("more_asked",), named)
    for event in (arrived, *events):
        wires.on(event.then, follow, ("more_open", *asked), more_charts.DRAWN)
    behind = ("point", "point_details", "more_address", "pair_block", "pair_said", "pair_plot", "pair")
    wires.on_event(parts["more_marks"].select, partial(more_charts.open_mark, services), ("page", "more_asked"), behind)
    parts["more_address"].change(
        None, parts["more_address"], None, js=asset("tradeoff/address.js"), show_progress="hidden"
    )
    for chart, plot in more_charts.CHARTS.items():
        given = ("page", "more_asked") if chart == "more" else ("page", "more_asked", "pair")
        _wire_files(wires, services, chart, plot, more_charts.export_more, given)


def _wire_files(
    wires: Wires, services: Services, chart: str, plot: str, write: Callable[..., Updates], given: Sequence[str]
) -> None:
    """A button a format: the file is written, then the browser fetches it; pictures of the chart the browser makes."""
    buttons = {name: wires.components[f"{chart}_{name}" if chart else name] for name in (*PICTURES, *EXPORTS, "link")}
    for name in PICTURES:
        script = asset("tradeoff/picture.js").replace("__FORMAT__", name).replace("__PLOT__", plot)
        script = script.replace("__NAME__", chart or "tradeoff")
        buttons[name].click(None, None, None, js=script, show_progress="hidden")
    script = asset("tradeoff/copy_link.js").replace("__BUTTON__", f"t2-{chart}-link" if chart else "t2-link")
    buttons["link"].click(None, None, None, js=script, show_progress="hidden")
    for name in EXPORTS:
        handler = taken_away(services.visits, partial(write, services, f".{name}"))
        written = wires.on_visit(buttons[name].click, handler, given, ("problem", "file"), trigger_mode="once")
        written.then(None, None, None, js=DOWNLOAD, show_progress="hidden")
