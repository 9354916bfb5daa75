"""The Trade-off page's controls: the two axes, the filters, and the exports."""

from __future__ import annotations

import gradio as gr

SET = "Checkpoints are compared on the same prompts and seeds; what else is stored stands in no comparison."
Components = dict[str, gr.blocks.Block]
PICTURES = {"png": "PNG", "svg": "SVG"}
EXPORTS = {"csv": "CSV", "parquet": "Parquet", "html": "HTML"}


def axes_panel() -> Components:
    """The benchmark set; both metrics, categories, checkpoints and the Pareto front. Choices come when the tab is shown."""
    with gr.Row(elem_id="t2-set-row"):
        benchmark = gr.Dropdown(
            [], label="Benchmark set", info=SET, scale=4, min_width=280, filterable=False, elem_id="t2-set"
        )
        make_set = gr.Button("Make a set", size="sm", scale=0, min_width=240, visible=False, elem_id="t2-make-set")
    chosen = _new_set()
    with gr.Row(elem_id="t2-axes"):
        axes = {
            "benchmark": benchmark,
            "make_set": make_set,
            **chosen,
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
        }
    return {**axes, **_looks()}


def _looks() -> Components:
    """How the chart is looked at: values or differences, split by kinds of prompts, its front and the front's band."""
    with gr.Row(elem_id="t2-looks"):
        return {
            "against": gr.Dropdown(
                [("The values themselves", "")],
                value="",
                label="Points show",
                scale=1,
                min_width=260,
                elem_id="t2-against",
            ),
            "pareto": gr.Checkbox(
                True, label="Pareto front", container=False, scale=0, min_width=130, elem_id="t2-pareto"
            ),
            "band": gr.Checkbox(
                False, label="Its band and knee", container=False, scale=0, min_width=150, elem_id="t2-band"
            ),
            "split": gr.Checkbox(
                False, label="Split by kind of prompt", container=False, scale=0, min_width=190, elem_id="t2-split"
            ),
        }


def _new_set() -> Components:
    """A benchmark set of any prompt set, before anything of it is drawn: the owner's, folded away."""
    with (
        gr.Accordion("A benchmark set of a prompt set", open=False, visible=False, elem_id="t2-new-set") as fold,
        gr.Row(),
    ):
        prompts = gr.Dropdown([], label="Prompts", filterable=False, min_width=200)
        seeds = gr.Textbox(
            "own:4", label="Seeds", info="own:4 for four of each prompt's own, or 0-3 for all alike", min_width=200
        )
        button = gr.Button("Make it", size="sm", scale=0, min_width=120, elem_id="t2-new-set-button")
    return {"new_set": fold, "set_prompts": prompts, "set_seeds": seeds, "set_make": button}


def export_panel() -> Components:
    """One button a format; the file itself goes through an invisible download button."""
    with gr.Row(elem_id="t2-exports"):
        gr.HTML("Export", apply_default_css=False, elem_classes="t2-label")
        buttons = {
            name: gr.Button(label, size="sm", scale=0, min_width=70, elem_id=f"t2-export-{name}")
            for name, label in {**PICTURES, **EXPORTS}.items()
        }
        buttons["link"] = gr.Button("Copy link", size="sm", scale=0, min_width=110, elem_id="t2-link")
    file = gr.DownloadButton("Download", visible="hidden", elem_id="t2-file")
    problem = gr.HTML("", apply_default_css=False)
    return {**buttons, "file": file, "problem": problem}
