"""The design of a study: what is compared, on which prompts, and what raters are asked."""

from __future__ import annotations

from typing import Any

import gradio as gr

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.study.design_form import values_of
from t2ialign.dashboard.study.handlers import fresh_design
from t2ialign.metrics import METRICS
from t2ialign.samplers import SCHEDULERS

Components = dict[str, gr.blocks.Block]
COMPARE = [
    ("Checkpoints or CFG values: pictures of the same seed", "methods"),
    ("Sets of pictures: which set is better or more varied", "sets"),
    ("Metrics: the picture that each of them ranks first", "metrics"),
]
KINDS = [("Select all that apply, or none", "select"), ("Pick one of two, or a tie", "pick"), ("Put in order", "rank")]
ASPECTS = [("fits the text", "fits"), ("is liked", "better"), ("is varied (sets)", "varied")]


def form_panel(services: Services) -> Components:
    """Every field of a design with its first value."""
    first = values_of(fresh_design(services))
    with gr.Row(elem_classes="t2-columns"):
        with gr.Column(scale=1, min_width=300):
            parts = _words(first)
        with gr.Column(scale=1, min_width=300):
            parts |= _compared(services, first) | _prompts(services, first) | _rules(first)
    return parts


def _words(first: dict[str, Any]) -> Components:
    title = gr.Textbox(first["title"], label="Title", info="Raters read it.", elem_id="t2-study-title")
    aspect = gr.Radio(ASPECTS, value=first["aspect"], label="Raters say which picture", elem_id="t2-aspect")
    kind = gr.Radio(KINDS, value=first["kind"], label="How they answer", elem_id="t2-kind")
    instructions = gr.Textbox(first["instructions"], label="Instructions", lines=4, max_lines=12)
    consent = gr.Textbox(
        first["consent"], label="Consent", info="Say what is stored; keep it true.", lines=5, max_lines=12
    )
    groups = gr.Textbox(
        first["groups"],
        label="Groups of raters",
        info="Separated by commas; each rater chooses one.",
        elem_id="t2-groups",
    )
    question = gr.Textbox(first["question"], label="Question", placeholder="The usual one", info="Your own wording.")
    return {
        "title": title,
        "aspect": aspect,
        "kind": kind,
        "instructions": instructions,
        "consent": consent,
        "groups": groups,
        "question": question,
    }


def _compared(services: Services, first: dict[str, Any]) -> Components:
    compare = gr.Radio(COMPARE, value=first["compare"], label="What is compared", elem_id="t2-compared")
    contenders = gr.Textbox(
        first["contenders"],
        label="The things compared",
        info="One a line: name | checkpoint | CFG | metric. Raters never see the names.",
        lines=3,
        max_lines=12,
        elem_id="t2-contenders",
    )
    with gr.Accordion("Add to them", open=False, elem_classes="t2-adder"):
        checkpoints = gr.Dropdown(
            list(services.checkpoints()),
            multiselect=True,
            allow_custom_value=True,
            label="Checkpoints",
            elem_classes="t2-stories",
        )
        with gr.Row():
            scales = gr.Textbox("4", label="CFG", info="Several: 2, 4, 8", min_width=100)
            scored = [name for name, metric in METRICS.items() if metric.level == "image"]
            metrics = gr.Dropdown(scored, multiselect=True, label="Metrics", min_width=160)
        add = gr.Button("Add", size="sm")
    return {
        "compare": compare,
        "contenders": contenders,
        "add_checkpoints": checkpoints,
        "add_scales": scales,
        "add_metrics": metrics,
        "add_contenders": add,
    }


def _prompts(services: Services, first: dict[str, Any]) -> Components:
    prompts = gr.Textbox(
        first["study_prompts"],
        label="Prompts",
        info="One a line: category | prompt.",
        lines=6,
        max_lines=16,
        elem_id="t2-study-prompts",
    )
    with gr.Accordion("Add from a prompt set", open=False, elem_classes="t2-adder"):
        with gr.Row():
            known = gr.Dropdown(list(services.prompts), label="Set", filterable=False, min_width=140)
            each = gr.Number(4, label="Each category", precision=0, minimum=1, min_width=80)
        names = next(iter(services.prompts.values()), ())
        categories = list(dict.fromkeys(prompt.category for prompt in names))
        chosen = gr.Dropdown(categories, multiselect=True, label="Categories", info="None chosen: all of them.")
        add = gr.Button("Add", size="sm")
    return {
        "study_prompts": prompts,
        "add_set": known,
        "add_each": each,
        "add_categories": chosen,
        "add_prompts": add,
    }


def _rules(first: dict[str, Any]) -> Components:
    parts: Components = {}
    with gr.Row():
        parts["rounds"] = gr.Number(first["rounds"], label="Rounds a survey", precision=0, minimum=1, min_width=90)
        parts["checks"] = gr.Number(first["checks"], label="Attention checks", precision=0, minimum=0, min_width=90)
        parts["target"] = gr.Number(first["target"], label="Answers wanted", precision=0, minimum=1, min_width=90)
    with gr.Accordion("More settings", open=False):
        with gr.Row():
            parts["seeds"] = gr.Textbox(
                first["seeds"],
                label="Seeds",
                info="own:8 is 8 of each prompt's own; 0-7 are alike for all",
                min_width=90,
                elem_id="t2-study-seeds",
            )
            parts["set_size"] = gr.Number(
                first["set_size"], label="Pictures a set", info="For sets", precision=0, min_width=90
            )
            parts["steps"] = gr.Number(
                first["steps"], label="Steps", info="Of sampling", precision=0, min_width=90, elem_id="t2-study-steps"
            )
        with gr.Row():
            parts["shown"] = gr.Number(first["shown"], label="Shown a round", info="0: all", precision=0, min_width=90)
            parts["most"] = gr.Number(first["most"], label="At most chosen", info="0: any", precision=0, min_width=90)
            parts["scheduler"] = gr.Dropdown(
                list(SCHEDULERS),
                value=first["scheduler"],
                label="Scheduler",
                info="Of sampling",
                filterable=False,
                min_width=90,
            )
    return parts
