"""Theory: what each f-divergence does with its hold, and the pairs of a real training run on its loss."""

from __future__ import annotations

from functools import partial
from typing import Any

from t2ialign.charts.theory import CURVES
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.browser_events import page_bridge
from t2ialign.dashboard.shared.wiring import Wires
from t2ialign.dashboard.theory import handlers
from t2ialign.dashboard.theory.handlers import ORDER
from t2ialign.dashboard.theory.view import CONTROLS, controls_panel, curves_panel, landscapes_panel, ratio_panel

TITLE = "Theory"
DRAWN = (
    *CURVES,
    "family",
    "ratio",
    "player",
    *(f"{part}_{name}" for name in ORDER for part in ("box", "title", "plot")),
)


def build(services: Services) -> None:
    """The tab with its events."""
    components: dict[str, Any] = {  # Gradio gives a component its events when it is made
        "page": page_bridge(),
        **controls_panel(),
        **curves_panel(),
        **landscapes_panel(),
        **ratio_panel(),
    }
    wires, inputs, page = Wires(components), ("page", "near", *CONTROLS), components["page"]
    wires.on(page.shown, partial(handlers.arrive, services), inputs, (*DRAWN, "run"))
    wires.on(
        components["run"].input,
        partial(handlers.follow_run, services),
        ("run",),
        ("shown", "beta", "matched", "alpha", "followed"),
        trigger_mode="multiple",
    )
    # One event, whatever changes: of draws that overlap, the last one stays.
    changes = [components[name].change for name in ("page", "near", *CONTROLS) if name != "run"]
    changes.append(components["run"].input)  # what the page itself does to it comes with a visit
    wires.on(changes, partial(handlers.draw_theory, services), inputs, DRAWN, trigger_mode="always_last")
