"""Trade-off: every scored checkpoint and guidance as a point, and the pictures behind each."""

from __future__ import annotations

from functools import partial

import gradio as gr

from t2ialign.dashboard import trusting, weighing
from t2ialign.dashboard.behind import strip_of
from t2ialign.dashboard.bridges import chart_bridge, page_bridge
from t2ialign.dashboard.panels.axes import EXPORTS, axes_panel, export_panel
from t2ialign.dashboard.panels.results import behind_panel
from t2ialign.dashboard.parts.behind import nothing_chosen
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.wiring import Wires

TITLE = "Trade-off"
PLOT = "t2-tradeoff-chart"
CONTROLS = ("x", "y", "categories", "checkpoints")
DRAWN = ("chart", "behind", "point")
DOWNLOAD = "() => setTimeout(() => document.querySelector('#t2-file')?.click(), 150)"


def build(services: Services) -> None:
    """The tab with its events."""
    components = _components(services)
    wires = Wires(components)
    _wire_chart(wires, services)
    _wire_exports(wires, services)
    _wire_trust(wires, services)


def _components(services: Services) -> dict:
    components = {
        "page": page_bridge(),
        "point": gr.Textbox("", visible="hidden"),
        **axes_panel(),
    }
    with gr.Row(elem_id="t2-tradeoff-row"):
        with gr.Column(scale=3, min_width=320):
            components["chart"] = gr.Plot(show_label=False, container=False, elem_id=PLOT)
            components["sentence"] = gr.HTML("", apply_default_css=False, elem_id="t2-sentence")
            components |= _rescoring()
            components |= export_panel()
        with gr.Column(scale=2, min_width=300):
            components["behind"] = behind_panel("t2-tradeoff-behind", nothing_chosen())
    with gr.Accordion("Which metric tells the truth?", open=False, elem_id="t2-truth") as components["truth"]:
        components["audit"] = gr.HTML("", apply_default_css=False)
        components["heat"] = gr.Plot(show_label=False, container=False)
    components["points"] = chart_bridge(PLOT, partial(_strip, services))
    return components


def _rescoring() -> dict:
    """An offer where scores of another metric version are left out."""
    with gr.Row(elem_id="t2-rescoring"):
        button = gr.Button("Score anew", size="sm", scale=0, min_width=160, visible=False, elem_id="t2-rescore")
        said = gr.HTML("", apply_default_css=False)
    return {"rescore": button, "rescored": said, "clock": gr.Timer(1.5, active=False)}


def _strip(services: Services, key: str) -> list[str]:
    return strip_of(services, weighing.chosen_of(services, None, None), key)


def _wire_chart(wires: Wires, services: Services) -> None:
    """Any control draws the chart anew; a click shows what is behind a point."""
    parts = wires.components
    draw = partial(weighing.draw, services)
    inputs = ("page", *CONTROLS, "pareto", "point")
    events = [
        wires.on(
            parts["page"].shown,
            partial(weighing.show, services),
            inputs,
            (*CONTROLS, *DRAWN),
            trigger_mode="always_last",
        ),
        wires.on(
            [parts[name].change for name in ("page", *CONTROLS, "pareto")],
            draw,
            inputs,
            DRAWN,
            trigger_mode="always_last",
        ),
    ]
    for drawn in events:
        wires.on(drawn.then, partial(weighing.explain, services), CONTROLS, ("sentence",))
    wires.on(parts["point"].change, draw, inputs, ("chart", "behind", "point"))
    for trigger, handler in (
        (parts["points"].select, weighing.click_point),
        (parts["behind"].select, weighing.choose_prompt),
    ):
        wires.on_event(trigger, partial(handler, services), CONTROLS, ("behind", "point"))


def _wire_trust(wires: Wires, services: Services) -> None:
    """Verdicts follow the axes; the offer follows the chart, and the chart follows what came of it."""
    parts, offered = wires.components, ("rescore", "rescored", "clock")
    changed = [parts["page"].shown, *(parts[name].change for name in ("page", *CONTROLS))]
    wires.on(changed, partial(trusting.offer, services), CONTROLS, offered, trigger_mode="always_last")
    looked_at = [parts["truth"].expand, *(parts[name].change for name in ("page", "x", "y"))]
    verdicts = partial(trusting.show_audit, services)
    wires.on(looked_at, verdicts, ("page", *CONTROLS), ("audit", "heat"), trigger_mode="always_last")
    wires.on(parts["rescore"].click, partial(trusting.begin, services), CONTROLS, offered, trigger_mode="once")
    tick = partial(trusting.tick, services)
    wires.on(parts["clock"].tick, tick, ("page", *CONTROLS, "pareto", "point"), (*offered, *DRAWN))


def _wire_exports(wires: Wires, services: Services) -> None:
    """A button a format: the file is written, then the browser fetches it."""
    for name in EXPORTS:
        handler = partial(weighing.export, services, f".{name}")
        written = wires.on(
            wires.components[name].click,
            handler,
            ("page", "pareto", *CONTROLS),
            ("problem", "file"),
            trigger_mode="once",
        )
        written.then(None, None, None, js=DOWNLOAD, show_progress="hidden")
