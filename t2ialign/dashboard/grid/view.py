"""The Grid's components: three axes with their values, what stays the same, the pages and the table."""

from __future__ import annotations

import gradio as gr

from t2ialign.dashboard.grid.form import MOST_SEEDS, GridForm
from t2ialign.dashboard.grid.offers import offered
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.checkpoint_menu import stories
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.results_panel import SHEET
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.visitors import in_a_line
from t2ialign.dashboard.shared.wiring import asset
from t2ialign.guidance import GUIDANCE, title_of
from t2ialign.samplers import SCHEDULERS
from t2ialign.use_cases.batches.grid import TITLES

Components = dict[str, gr.blocks.Block]
ORDERS = [
    ("As chosen", ""),
    ("Rows: most aligned first", "rows alignment"),
    ("Rows: most diverse first", "rows diversity"),
    ("Columns: most aligned first", "columns alignment"),
    ("Columns: most diverse first", "columns diversity"),
]


def form_panel(services: Services) -> Components:
    """The axes, the rest of the settings, and the buttons."""
    first = GridForm()
    parts: Components = {}
    with gr.Row(elem_id="t2-grid-axes"):
        parts |= _axis(services, "x", "Across", first.x, list(first.x_values))
        parts |= _axis(services, "y", "Down", first.y, list(first.y_values))
        parts |= _axis(services, "z", "Pages", first.z, list(first.z_values))
    parts["stories"] = gr.HTML(stories(services), apply_default_css=False, visible="hidden")
    with gr.Row(elem_id="t2-grid-rest"):
        parts |= _rest(services, first)
    gr.HTML(notice(in_a_line(services.visits.limits), "hint"), visible=owner.guarded(), apply_default_css=False)
    with gr.Row(elem_id="t2-grid-start"):
        parts["cost"] = gr.HTML("", apply_default_css=False, elem_id="t2-grid-cost")
        parts["make"] = gr.Button("Make the grid", variant="primary", scale=0, min_width=170, elem_id="t2-grid-make")
        parts["stop"] = gr.Button("Cancel", visible=False, scale=0, min_width=150, elem_id="t2-grid-stop")
    return parts


def _axis(services: Services, name: str, label: str, kind: str, values: list[str]) -> Components:
    with gr.Row(elem_classes="t2-grid-axis"):
        kinds = [(title, key) for key, title in TITLES.items() if key or name != "x"]
        chosen = gr.Dropdown(
            kinds, value=kind, label=label, filterable=False, scale=2, min_width=130, elem_id=f"t2-grid-{name}"
        )
        menu = gr.Dropdown(
            offered(services, kind),
            value=values,
            visible=bool(kind),
            multiselect=True,
            allow_custom_value=True,
            label="Values",
            scale=5,
            min_width=200,
            elem_id=f"t2-grid-{name}-values",
            elem_classes="t2-grid-values",
        )
    return {name: chosen, f"{name}_values": menu}


def _rest(services: Services, first: GridForm) -> Components:
    """What stays the same; the fields that an axis stands for are hidden."""
    strategies, taken = [(title_of(name), name) for name in GUIDANCE], (first.x, first.y)
    return {
        "prompt": gr.Textbox(
            first.prompt, label="Prompt", lines=1, max_lines=2, scale=4, min_width=240, elem_id="t2-grid-prompt"
        ),
        "checkpoint": gr.Dropdown(
            list(services.checkpoints()),
            value=first.checkpoint,
            allow_custom_value=True,
            label="Checkpoint",
            scale=2,
            min_width=140,
            visible="checkpoint" not in taken,
            elem_id="t2-grid-checkpoint",
        ),
        "guidance_scale": gr.Number(
            first.guidance_scale, label="CFG", scale=1, min_width=72, visible="guidance_scale" not in taken
        ),
        "guidance": gr.Dropdown(
            strategies, value=first.guidance, label="Guidance", allow_custom_value=True, scale=2, min_width=150
        ),
        "first_seed": gr.Number(first.first_seed, label="First seed", precision=0, scale=1, min_width=84),
        "seed_count": gr.Slider(
            1,
            MOST_SEEDS,
            first.seed_count,
            step=1,
            label="Seeds a cell",
            buttons=[],
            scale=2,
            min_width=130,
            elem_id="t2-grid-seeds",
        ),
        "steps": gr.Number(first.steps, label="Steps", precision=0, scale=1, min_width=72),
        "scheduler": _scheduler(first.scheduler),
        "size": gr.Textbox(
            first.size,
            label="Size",
            placeholder="the model's",
            max_lines=1,
            scale=1,
            min_width=100,
            elem_id="t2-grid-size",
        ),
    }


def _scheduler(first: str) -> gr.Dropdown:
    return gr.Dropdown(
        [(choice.summary.partition(":")[0], name) for name, choice in SCHEDULERS.items()],
        value=first,
        label="Scheduler",
        filterable=False,
        scale=1,
        min_width=120,
        elem_id="t2-grid-scheduler",
    )


def _score(axis: str) -> gr.Dropdown:
    return gr.Dropdown(
        [(f"Usual {axis}", "")],
        value="",
        label=f"Score of {axis}",
        filterable=False,
        container=False,
        scale=0,
        min_width=190,
        elem_id=f"t2-grid-score-{axis}",
    )


def table_panel() -> Components:
    """Progress, the order, what can be taken away, the pages, and the table of the one on show."""
    parts: Components = {
        "problem": gr.HTML("", apply_default_css=False, elem_id="t2-grid-problem"),
        "progress": gr.HTML("", apply_default_css=False, elem_id="t2-grid-progress"),
    }
    with gr.Row(visible=False, elem_id="t2-grid-tools") as parts["tools"]:
        parts["order"] = gr.Dropdown(
            ORDERS, value="", label="Order", filterable=False, container=False, scale=0, min_width=230
        )
        parts |= {name: _score(name) for name in ("alignment", "diversity")}
        parts["as_html"] = gr.Button("One HTML file", size="sm", scale=0, min_width=110, elem_id="t2-grid-html")
        parts["as_png"] = gr.Button("One PNG", size="sm", scale=0, min_width=90, elem_id="t2-grid-png")
        parts["as_zip"] = gr.Button("ZIP of PNGs", size="sm", scale=0, min_width=110, elem_id="t2-grid-zip")
    parts["page_shown"] = gr.Radio(
        [("", "0")], value="0", label="Pages", visible=False, container=False, elem_id="t2-grid-pages"
    )
    parts["file"] = gr.DownloadButton("Download", visible="hidden", elem_id="t2-grid-file")
    parts["table"] = gr.HTML(
        render("grid/empty.html"),
        js_on_load=SHEET + asset("grid/grid.js") + asset("grid/slider.js") + "slideGrid(element);",
        apply_default_css=False,
        elem_id="t2-grid-table",
    )
    return parts
