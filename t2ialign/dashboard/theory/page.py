"""Theory: what each f-divergence does with its hold, and the pairs of a real training run on its loss."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from t2ialign.charts.theory import CURVES
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.browser_events import page_bridge
from t2ialign.dashboard.shared.wiring import Wires
from t2ialign.dashboard.theory import handlers
from t2ialign.dashboard.theory.handlers import ORDER
from t2ialign.dashboard.theory.view import CONTROLS, controls_panel, curves_panel, landscapes_panel, ratio_panel

TITLE = "Theory"
CURVE_OUTPUTS = (*CURVES, "family", "ratio")
LANDSCAPES = ("player", *(f"{part}_{name}" for name in ORDER for part in ("box", "title", "plot")))


def build(services: Services) -> None:
    """The tab with its events."""
    components: dict[str, Any] = {  # Gradio gives a component its events when it is made
        "page": page_bridge(),
        "visit": gr.Textbox("", visible="hidden"),
        **controls_panel(),
        **curves_panel(),
        **landscapes_panel(),
        **ratio_panel(),
    }
    wires, inputs, page = Wires(components), ("page", *CONTROLS), components["page"]
    wires.on(page.shown, partial(handlers.offer_runs, services), ("run",), ("visit", "run", "player"))
    wires.on(
        components["run"].input,
        partial(handlers.follow_run, services),
        ("run",),
        ("shown", "beta", "matched", "alpha"),
    )
    # One event, whatever changes, and the landscapes after the curves: of draws that overlap, the last one stays.
    changes = [components[name].change for name in ("visit", "page", *CONTROLS) if name != "run"]
    changes.append(components["run"].input)  # what the page itself does to it comes with a visit
    drawn = wires.on(changes, handlers.draw_curves, inputs, CURVE_OUTPUTS, trigger_mode="always_last")
    wires.on(drawn.then, partial(handlers.draw_landscapes, services), inputs, LANDSCAPES)
