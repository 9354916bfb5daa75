"""What a run looks like: progress, two big numbers, the contact sheet, the small chart, and two pictures compared."""

from __future__ import annotations

import gradio as gr

from t2ialign.dashboard.shared.contact_sheet import empty_sheet
from t2ialign.dashboard.shared.html import heading
from t2ialign.dashboard.shared.wiring import asset

Components = dict[str, gr.blocks.Block]
PLOT = "t2-explore-chart"
SHEET = asset("shared/sheet.js") + asset("shared/compare.js")  # what makes pictures large, and compares two of them


def status_panel() -> Components:
    """The sentence about a problem, the button that fetches missing weights, and the progress bar."""
    notice = gr.HTML("", apply_default_css=False, elem_id="t2-notice")
    progress = gr.HTML("", apply_default_css=False, elem_id="t2-progress")
    fetch = gr.Button("Fetch", visible=False, size="sm", elem_id="t2-fetch")
    return {"notice": notice, "fetch": fetch, "progress": progress}


def results_panel() -> Components:
    """The numbers above the pictures, and the chart beside them."""
    headline = gr.HTML("", apply_default_css=False, elem_id="t2-headline")
    with gr.Row(elem_id="t2-pictures-row"):
        with gr.Column(scale=3, min_width=280):
            sheet = gr.HTML(
                empty_sheet(),
                js_on_load=SHEET + asset("explore/quick_votes.js"),
                apply_default_css=False,
                elem_id="t2-explore-sheet",
            )
            comparison = _compare_panel()
        with gr.Column(scale=2, min_width=280, elem_id="t2-aside"):
            chart = gr.Plot(show_label=False, container=False, elem_id=PLOT)
            caption = gr.HTML("", apply_default_css=False, elem_id="t2-explore-caption")
    return {"headline": headline, "sheet": sheet, "chart": chart, "caption": caption, **comparison}


def _compare_panel() -> Components:
    """Two checkpoints at one seed under a slider; shown when there are two."""
    with gr.Column(visible=False, elem_id="t2-compare") as box:
        gr.HTML(heading("One seed, two checkpoints"), apply_default_css=False, elem_classes="t2-title")
        with gr.Row():
            left = gr.Dropdown([], label="Left", filterable=False, scale=3, min_width=80)
            right = gr.Dropdown([], label="Right", filterable=False, scale=3, min_width=80)
            seed = gr.Dropdown([], label="Seed", filterable=False, scale=2, min_width=60)
        slider = gr.ImageSlider(
            show_label=False, container=False, interactive=False, buttons=[], type="pil", max_height=420
        )
    return {"compare": box, "left": left, "right": right, "compare_seed": seed, "slider": slider}


def point_details_panel(elem_id: str, value: str) -> gr.HTML:
    """What is behind a point; ``choose`` brings the cell of a prompt that was clicked."""
    return gr.HTML(
        value,
        js_on_load=SHEET + asset("shared/point_details.js"),
        apply_default_css=False,
        elem_id=elem_id,
    )
