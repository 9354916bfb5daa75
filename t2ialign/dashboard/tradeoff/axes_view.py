"""The Trade-off page's controls: the two axes, the filters, and the exports."""

from __future__ import annotations

import gradio as gr

Components = dict[str, gr.blocks.Block]
EXPORTS = {"csv": "CSV", "parquet": "Parquet", "html": "HTML"}


def axes_panel() -> Components:
    """Both metrics, categories, checkpoints and the Pareto front in one row; the choices come when the tab is shown."""
    with gr.Row(elem_id="t2-axes"):
        return {
            "x": gr.Dropdown([], label="Horizontal axis", scale=3, min_width=210, elem_id="t2-x"),
            "y": gr.Dropdown([], label="Vertical axis", scale=3, min_width=210, elem_id="t2-y"),
            "categories": gr.Dropdown(
                [],
                multiselect=True,
                label="Only these kinds of prompts",
                scale=2,
                min_width=170,
                elem_id="t2-categories",
            ),
            "checkpoints": gr.Dropdown(
                [], multiselect=True, label="Only these checkpoints", scale=2, min_width=170, elem_id="t2-filter"
            ),
            "pareto": gr.Checkbox(
                True, label="Pareto front", container=False, scale=0, min_width=140, elem_id="t2-pareto"
            ),
        }


def export_panel() -> Components:
    """One button a format; the file itself goes through an invisible download button."""
    with gr.Row(elem_id="t2-exports"):
        gr.HTML("Export", apply_default_css=False, elem_classes="t2-label")
        buttons = {
            name: gr.Button(label, size="sm", scale=0, min_width=70, elem_id=f"t2-export-{name}")
            for name, label in EXPORTS.items()
        }
    file = gr.DownloadButton("Download", visible="hidden", elem_id="t2-file")
    problem = gr.HTML("", apply_default_css=False)
    return {**buttons, "file": file, "problem": problem}
