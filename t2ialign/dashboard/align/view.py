"""The Align page's components: the form of a new run, the run on show, and the list of all of them."""

from __future__ import annotations

import gradio as gr

from t2ialign.dashboard.align.fields import GROUPS, component, fields_by_group
from t2ialign.dashboard.align.job_view import curve_title
from t2ialign.dashboard.align.methods_view import method_cards
from t2ialign.dashboard.align.publish import publish_panel
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.html import heading, notice, paragraph
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import asset
from t2ialign.methods import METHODS

Components = dict[str, gr.blocks.Block]

CURVE_WORDS = {
    "drawn_reward": ("Reward", "What the pictures of each step are worth to who marks them."),
    "drawn_kl": ("Distance from the base", "KL of the way to a picture from the base's way, in nats a latent value."),
    "drawn_diversity": ("Diversity of what it draws", "How much the pictures of one prompt differ, step by step."),
    "loss": ("Loss", "What training minimises. It tells little of the pictures: alignment and diversity do."),
    "accuracy": ("Right order", "How many pairs have the preferred picture as the likelier one."),
    "bands": (
        "Log-ratios",
        "How much likelier winners and losers have become. Both may sink: then only their gap grows.",
    ),
    "alignment": ("Alignment", "The fixed batch below against its prompts, compared prompt by prompt with the start."),
    "diversity": ("Diversity", "How much the same batch's pictures of one prompt differ."),
}


def form_panel() -> Components:
    """Methods, source, fields, cost, and the command line that does the same."""
    with gr.Accordion("New run", open=True, visible=not owner.locked(""), elem_id="t2-new-run") as fold:
        parts: Components = {
            "method": gr.Textbox("", visible="hidden"),
            "cards": gr.HTML(
                method_cards(METHODS.values(), ""),
                js_on_load=asset("align/methods.js"),
                apply_default_css=False,
                elem_id="t2-method-cards",
            ),
        }
        with gr.Row(elem_id="t2-align-form"):
            with gr.Column(scale=1, min_width=300):
                parts |= _source_panel()
            with gr.Column(scale=1, min_width=300):
                parts |= _method_panel()
        parts |= _common_panels() | _start_panel()
    return {"fold": fold, **parts}


def _source_panel() -> Components:
    with gr.Row(elem_classes="t2-two"):
        parent = gr.Dropdown(
            [],
            label="Start from",
            info="The new checkpoint learns on top of it.",
            filterable=False,
            elem_id="t2-parent",
            elem_classes="t2-stories",
        )
        name = gr.Textbox("", label="Name", info="Of the new checkpoint.", max_lines=1, elem_id="t2-name")
    pairs = gr.Dropdown([], label="Learns from", allow_custom_value=True, elem_id="t2-pairs-from")
    look = gr.Button("Look at some", size="sm", scale=0, min_width=130, elem_id="t2-look")
    shown = gr.HTML("", apply_default_css=False, elem_id="t2-source-preview")
    return {"parent": parent, "name": name, "pairs": pairs, "look": look, "source_preview": shown}


def _method_panel() -> Components:
    """Steps, seed and the method's own fields."""
    parts: Components = {}
    with gr.Row(elem_classes="t2-two"):
        parts["steps"] = gr.Number(200, label="Steps", precision=0, minimum=1, elem_id="t2-train-steps")
        parts["seed"] = gr.Number(0, label="Seed", precision=0, minimum=0, info="The same seed repeats the run.")
    with gr.Row(elem_classes="t2-fields"):
        parts |= {name: component(name) for name in fields_by_group()["method"]}
    return parts


def _common_panels() -> Components:
    """What all methods have, folded away by group."""
    parts: Components = {}
    for group, names in fields_by_group().items():
        if group != "method":
            with (
                gr.Accordion(GROUPS[group], open=False, elem_classes="t2-more-fields") as parts[f"{group}_fold"],
                gr.Row(elem_classes="t2-fields"),
            ):
                parts |= {name: component(name) for name in names}
    return parts


def _start_panel() -> Components:
    with gr.Row(elem_id="t2-start-row"):
        cost = gr.HTML("", apply_default_css=False, elem_id="t2-cost")
        train = gr.Button("Train", variant="primary", scale=0, min_width=140, elem_id="t2-train")
    with gr.Accordion("Preview command", open=False, elem_id="t2-command-fold"):
        command = gr.Code(
            "",
            language="shell",
            show_label=False,
            interactive=False,
            lines=1,
            wrap_lines=True,
            show_line_numbers=False,
            buttons=["copy"],
            elem_id="t2-command",
        )
        gr.HTML(render("align/command.html"), apply_default_css=False, elem_classes="t2-prose t2-quiet")
    return {"cost": cost, "train": train, "command": command}


def run_panel() -> Components:
    """One run: how it stands, what can be done with it, its curves, samples and result."""
    with gr.Column(visible=False, elem_id="t2-run-view") as view:
        parts: Components = {
            "status": gr.HTML("", js_on_load=asset("align/badge.js"), apply_default_css=False, elem_id="t2-run-status")
        }
        with gr.Row(elem_id="t2-run-actions"):
            parts["stop"] = gr.Button("Stop", size="sm", scale=0, min_width=90, elem_id="t2-stop")
            parts["resume"] = gr.Button("Resume", size="sm", scale=0, min_width=90, visible=False, elem_id="t2-resume")
            parts["discard"] = gr.Button("Discard", size="sm", scale=0, min_width=90, elem_id="t2-discard")
            parts["notify"] = gr.Button(
                "Tell me when it is done", size="sm", scale=0, min_width=190, visible=False, elem_id="t2-notify"
            )
            with gr.Row(visible=False, elem_id="t2-confirm") as parts["confirm"]:
                gr.HTML("Delete this run and all it measured? A finished checkpoint stays.", apply_default_css=False)
                parts["discard_yes"] = gr.Button("Discard it", variant="stop", size="sm", scale=0, min_width=100)
                parts["discard_no"] = gr.Button("Keep it", size="sm", scale=0, min_width=90)
        parts |= _result_panel() | publish_panel()
        with gr.Row(visible=False, elem_id="t2-curves") as parts["curves"]:
            for name, (title, words) in CURVE_WORDS.items():
                with gr.Column(min_width=250, elem_classes="t2-curve") as parts[f"{name}_box"]:
                    heading = gr.HTML(curve_title(title), apply_default_css=False)
                    parts[name] = gr.Plot(show_label=False, container=False, elem_id=f"t2-curve-of-{name}")
                    gr.HTML(paragraph(words), apply_default_css=False)
                    parts |= {f"{name}_title": heading} if name in ("alignment", "diversity") else {}
        gr.HTML(
            curve_title("The same prompts and seeds, again and again"), apply_default_css=False, elem_classes="t2-curve"
        )
        parts["samples"] = gr.HTML(
            "", js_on_load=asset("align/samples.js"), apply_default_css=False, elem_id="t2-run-samples"
        )
    return {"view": view, **parts}


def _result_panel() -> Components:
    with gr.Row(elem_id="t2-result-row"):
        with gr.Column(scale=3, min_width=300):
            result = gr.HTML("", apply_default_css=False, elem_id="t2-run-result")
        with gr.Column(scale=2, min_width=300, visible=False) as box:
            point = gr.Plot(show_label=False, container=False, elem_id="t2-run-point")
    return {"result": result, "point_box": box, "point": point}


def history_panel() -> Components:
    """All runs, the newest first."""
    gr.HTML(heading("Queue and history"), apply_default_css=False, elem_classes="t2-title")
    return {
        "history": gr.HTML(
            notice("The runs are being read.", "hint"),
            js_on_load=asset("align/history.js"),
            apply_default_css=False,
            elem_id="t2-runs",
        )
    }


def intro() -> None:
    gr.HTML(render("align/intro.html"), apply_default_css=False, elem_classes="t2-prose")
