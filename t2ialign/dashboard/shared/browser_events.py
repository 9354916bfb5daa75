"""Invisible components through which the browser speaks: the page is ready, the theme changed, a point was clicked."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from t2ialign.dashboard.shared.wiring import asset

DARK = "dark"


def page_bridge() -> gr.HTML:
    """Its value is the page's theme, ``light`` or ``dark`` (``change``); ``ready`` brings the address' query once.

    When the shipped results have been read in, the tab on show is ready and shown again. ``entered``: something was typed into
    one of its menus of several choices.
    """
    return gr.HTML("light", js_on_load=asset("shared/page.js"), elem_classes="t2-hidden", apply_default_css=False)


def chart_bridge(plot: str, strip: Callable[[str], list[str]]) -> gr.HTML:
    """Listens to the Plotly chart with the element id ``plot``: ``select`` brings the key of a point that was clicked.

    By keyboard, arrows walk from point to point and Enter opens one. While the pointer rests on a point, ``strip(key)`` says
    which pictures to show beside it.
    """

    def pictures(key: str) -> list[str]:
        return strip(key) if isinstance(key, str) else []

    parts = (asset(f"shared/{name}.js") for name in ("chart", "chart_keys"))
    script = "\n".join(f"{{\n{part}\n}}" for part in parts).replace("__PLOT__", plot)  # blocks: names of their own
    return gr.HTML(
        "", js_on_load=script, server_functions=[pictures], elem_classes="t2-hidden", apply_default_css=False
    )
