"""The Sweep page's components: the form, the sweep on show with its map, and the list."""

from __future__ import annotations

import gradio as gr

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.checkpoint_menu import stories
from t2ialign.dashboard.shared.html import heading
from t2ialign.dashboard.shared.results_panel import SHEET
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import asset
from t2ialign.dashboard.sweep.form import SweepForm, categories_of
from t2ialign.dashboard.sweep.sweeps import STATUSES
from t2ialign.guidance import GUIDANCE, title_of
from t2ialign.metrics import METRICS
from t2ialign.samplers import SCHEDULERS

Components = dict[str, gr.blocks.Block]


def form_panel(services: Services) -> Components:
    """What a sweep is made of, what it costs, and the buttons."""
    first = SweepForm()
    with gr.Accordion("New sweep", open=True, visible=not owner.locked(""), elem_id="t2-new-sweep") as fold:
        parts: Components = {"fold": fold}
        with gr.Row(elem_classes="t2-sweep-row"):
            parts |= _prompt_fields(services, first)
        with gr.Row(elem_classes="t2-sweep-row"):
            parts |= _condition_fields(services, first)
        with gr.Row(elem_classes="t2-sweep-row"):
            parts |= {**_picture_fields(first), **_score_fields(services), "title": _title()}
        with gr.Row(elem_id="t2-sweep-start"):
            parts["cost"] = gr.HTML("", apply_default_css=False, elem_id="t2-sweep-cost")
            parts["start"] = gr.Button("Start", variant="primary", scale=0, min_width=130, elem_id="t2-sweep-start-it")
            parts["extend"] = gr.Button(
                "Add to the sweep below", scale=0, min_width=240, visible=False, elem_id="t2-sweep-extend"
            )
        with gr.Accordion("As a command, and as a file", open=False, elem_id="t2-sweep-as"):
            parts["command"] = _code("shell", "t2-sweep-command")
            parts["toml"] = _code(None, "t2-sweep-toml")
            gr.HTML(render("sweep/command.html"), apply_default_css=False, elem_classes="t2-prose t2-quiet")
    return parts


def _prompt_fields(services: Services, first: SweepForm) -> Components:
    return {
        "prompt_set": gr.Dropdown(
            list(services.prompts),
            value=first.prompt_set,
            allow_custom_value=True,
            label="Prompts",
            info="A set, or the path of a file.",
            scale=2,
            min_width=150,
            elem_id="t2-sweep-set",
        ),
        "categories": gr.Dropdown(
            categories_of(services, first.prompt_set),
            value=[],
            multiselect=True,
            label="Categories",
            info="None chosen: all of them.",
            scale=2,
            min_width=150,
        ),
        "sample": gr.Number(
            first.sample, label="Sample", info="0: every prompt.", precision=0, minimum=0, scale=1, min_width=90
        ),
        "texts": gr.Textbox(
            "",
            label="Or prompts of your own",
            info="One a line, in place of the set.",
            lines=1,
            max_lines=6,
            scale=3,
            min_width=200,
            elem_id="t2-sweep-texts",
        ),
    }


def _condition_fields(services: Services, first: SweepForm) -> Components:
    return {
        "checkpoints": gr.Dropdown(
            list(services.checkpoints()),
            value=list(first.checkpoints),
            multiselect=True,
            allow_custom_value=True,
            label="Checkpoints",
            info="Or blends: a@0.5+b@0.5",
            scale=3,
            min_width=200,
            elem_id="t2-sweep-checkpoints",
            elem_classes="t2-stories",
        ),
        "stories": gr.HTML(stories(services), apply_default_css=False, visible="hidden"),
        "weights": gr.Textbox(
            "",
            label="Adapter weights",
            info="As 0.5, 1. Empty: 1.",
            max_lines=1,
            scale=1,
            min_width=120,
            elem_id="t2-sweep-weights",
        ),
        "guidance_scales": gr.Textbox(
            first.guidance_scales,
            label="CFG",
            info="With commas between.",
            max_lines=1,
            scale=2,
            min_width=120,
            elem_id="t2-sweep-cfg",
        ),
        "strategies": gr.Dropdown(
            [(title_of(name), name) for name in GUIDANCE],
            value=list(first.strategies),
            multiselect=True,
            allow_custom_value=True,
            label="Guidance strategies",
            info="With parameters: cads:noise_scale=0.1",
            scale=3,
            min_width=200,
            elem_id="t2-sweep-strategies",
        ),
    }


def _picture_fields(first: SweepForm) -> Components:
    return {
        "seeds": gr.Textbox(
            first.seeds,
            label="Seeds",
            info="own:16, or 0-15.",
            max_lines=1,
            scale=1,
            min_width=150,
            elem_id="t2-sweep-seeds",
        ),
        "steps": gr.Number(
            first.steps,
            label="Steps",
            info="Of denoising.",
            precision=0,
            minimum=1,
            scale=1,
            min_width=80,
            elem_id="t2-sweep-steps",
        ),
        "scheduler": gr.Dropdown(
            [(choice.summary.partition(":")[0], name) for name, choice in SCHEDULERS.items()],
            value=first.scheduler,
            label="Scheduler",
            info="Of all conditions.",
            filterable=False,
            scale=1,
            min_width=120,
            elem_id="t2-sweep-scheduler",
        ),
        "height": _pixels("Height"),
        "width": _pixels("Width"),
    }


def _score_fields(services: Services) -> Components:
    return {
        "metrics": gr.Dropdown(
            [
                ("The short list", "short"),
                ("Every one that can be measured", "all"),
                *((metric.title, name) for name, metric in METRICS.items()),
            ],
            value=[],
            multiselect=True,
            label="Metrics",
            info="None chosen: the short list.",
            scale=3,
            min_width=200,
        ),
        "scorers": gr.Dropdown(
            list(services.bench.registry().scorers),
            value=[],
            multiselect=True,
            label="Scorers",
            info="Asked first.",
            scale=2,
            min_width=150,
        ),
    }


def _title() -> gr.Textbox:
    return gr.Textbox(
        "",
        label="Title",
        info="What is it for?",
        max_lines=1,
        scale=2,
        min_width=150,
        elem_id="t2-sweep-title",
    )


def _pixels(label: str) -> gr.Number:
    return gr.Number(
        0,
        label=label,
        info="0: its own.",
        precision=0,
        minimum=0,
        scale=1,
        min_width=85,
        elem_id=f"t2-sweep-{label.lower()}",
    )


def _code(language: str | None, name: str) -> gr.Code:
    return gr.Code(
        "",
        language=language,  # type: ignore[arg-type]  # gradio's own list of names
        show_label=False,
        interactive=False,
        lines=1,
        wrap_lines=True,
        show_line_numbers=False,
        buttons=["copy"],
        elem_id=name,
    )


def sweep_panel() -> Components:
    """The sweep on show: how it stands, what can be done with it, its map, and the cell that was pressed."""
    with gr.Column(visible=False, elem_id="t2-sweep-view") as view:
        parts: Components = {"status": gr.HTML("", apply_default_css=False, elem_id="t2-sweep-status")}
        with gr.Row(elem_id="t2-sweep-actions"):
            for name, label in (
                ("pause", "Pause"),
                ("resume", "Resume"),
                ("cancel", "Cancel"),
                ("rescore", "Score anew"),
                ("restore", "Settings into the form"),
            ):
                parts[name] = gr.Button(label, size="sm", scale=0, min_width=90, elem_id=f"t2-sweep-{name}")
        parts["map"] = gr.HTML("", js_on_load=asset("sweep/map.js"), apply_default_css=False, elem_id="t2-sweep-map")
        parts["cell"] = gr.HTML("", js_on_load=SHEET, apply_default_css=False, elem_id="t2-sweep-cell")
    return {"view": view, **parts}


def list_panel() -> Components:
    """All sweeps, the newest first."""
    with gr.Column(visible=not owner.locked(""), elem_id="t2-sweep-list") as box:
        gr.HTML(heading("Sweeps"), apply_default_css=False, elem_classes="t2-title")
        with gr.Row(elem_id="t2-sweep-find"):
            search = gr.Textbox(
                "",
                placeholder="Search titles, checkpoints, notes",
                show_label=False,
                container=False,
                max_lines=1,
                scale=3,
            )
            status = gr.Dropdown(
                list(STATUSES.items()),
                value="",
                show_label=False,
                container=False,
                filterable=False,
                scale=1,
                min_width=110,
            )
            starred = gr.Checkbox(False, label="Starred", container=False, scale=0, min_width=90)
        gone = gr.HTML("", js_on_load=asset("sweep/list.js"), apply_default_css=False)
        history = gr.HTML("", js_on_load=asset("sweep/list.js"), apply_default_css=False, elem_id="t2-sweeps")
    return {"list": box, "search": search, "state": status, "starred": starred, "gone": gone, "history": history}
