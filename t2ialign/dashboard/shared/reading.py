"""One line over every page while the shipped results are still being read in; then the charts are drawn anew."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.wiring import Updates, Wires, asset

SECONDS = 0.7


def wire(services: Services, blocks: gr.Blocks) -> None:
    """The line, out of sight where there is nothing to say."""
    parts: dict[str, Any] = {
        "reading": gr.HTML("", apply_default_css=False, elem_id="t2-reading"),
        "reading_clock": gr.Timer(SECONDS, active=False),
    }
    wires = Wires(parts)
    wires.on([blocks.load, parts["reading_clock"].tick], partial(look_at_reading, services), (), tuple(parts))
    parts["reading"].change(None, None, None, js=asset("shared/reading.js"), show_progress="hidden")


def look_at_reading(services: Services) -> Updates:
    """The sentence as it is now; the clock runs as long as it changes."""
    said, trouble = services.shipped.sentence, services.shipped.trouble
    if trouble and owner.guarded():  # which may name folders of the server
        said = "The shipped results could not be read in: the log of this page says why."
    return {
        "reading": notice(said, "problem" if trouble else "note"),
        "reading_clock": gr.Timer(active=bool(said) and not trouble),
    }
