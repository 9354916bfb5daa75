"""The design of a study in three steps: what is compared, on which prompts, and what people are asked."""

from __future__ import annotations

from typing import Any

import gradio as gr

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.study.contender_rows import rows_component
from t2ialign.dashboard.study.design_form import values_of
from t2ialign.dashboard.study.handlers import fresh_design
from t2ialign.samplers import SCHEDULERS
from t2ialign.shapes.oracle import GROUPS

Components = dict[str, gr.blocks.Block]
STEPS = ("What is compared", "On which prompts", "What people are asked")
COMPARE = [
    ("Checkpoints or CFG values: pictures of the same seed", "methods"),
    ("Arena: the same, two at a time and without end, told after each answer", "arena"),
    ("Sets of pictures: which set is better or more varied", "sets"),
    ("Metrics: the picture that each of them ranks first", "metrics"),
]
KINDS = [("Select all that apply, or none", "select"), ("Pick one of two, or a tie", "pick"), ("Put in order", "rank")]
ASPECTS = [("fits the text", "fits"), ("is liked", "better"), ("is varied (sets)", "varied")]


def form_panel(services: Services) -> Components:
    """Every field of a design with its first value, a step after another."""
    design = fresh_design(services)
    first, makers = values_of(design), (_compared, _prompts, _asked)
    parts: Components = {}
    with gr.Tabs(selected="step-0", elem_id="t2-design") as walk:
        for number, (label, make) in enumerate(zip(STEPS, makers)):
            with gr.Tab(f"{number + 1}  {label}", id=f"step-{number}"):
                parts |= make(services, first)
                if number + 1 < len(STEPS):
                    parts[f"next_{number}"] = gr.Button(
                        f"Next: {STEPS[number + 1].lower()}", scale=0, min_width=220, elem_id=f"t2-design-next-{number}"
                    )
    return {**parts, "walk": walk}


def _compared(services: Services, first: dict[str, Any]) -> Components:
    compare = gr.Radio(COMPARE, value=first["compare"], label="What is compared", elem_id="t2-compared")
    contenders = rows_component(services, fresh_design(services).contenders)
    return {"compare": compare, "contenders": contenders}


def _prompts(services: Services, first: dict[str, Any]) -> Components:
    names = next(iter(services.prompts.values()), ())
    categories = list(dict.fromkeys(prompt.category for prompt in names))
    with gr.Row(elem_classes="t2-columns"):
        with gr.Column(scale=1, min_width=300):
            known = gr.Dropdown(list(services.prompts), label="Prompts from the set", filterable=False)
            chosen = gr.Dropdown(categories, multiselect=True, label="Categories", info="None chosen: all of them.")
            each = gr.Number(4, label="Of each category", precision=0, minimum=1)
            add = gr.Button("Add to the list", scale=0, min_width=140)
            pictures = _pictures(first)
        with gr.Column(scale=1, min_width=300):
            prompts = gr.Textbox(
                first["study_prompts"],
                label="Prompts of this study",
                info="One a line; its category may stand before it, with a bar: color | a red ring",
                lines=10,
                max_lines=18,
                elem_id="t2-study-prompts",
            )
    return {
        "study_prompts": prompts,
        "add_set": known,
        "add_each": each,
        "add_categories": chosen,
        "add_prompts": add,
        **pictures,
    }


def _pictures(first: dict[str, Any]) -> Components:
    parts: Components = {}
    with gr.Accordion("Their pictures", open=False, elem_id="t2-study-pictures"):
        parts["seeds"] = gr.Textbox(
            first["seeds"],
            label="Seeds",
            info="own:8 is 8 of each prompt's own; 0-7 are alike for all",
            elem_id="t2-study-seeds",
        )
        with gr.Row():
            parts["set_size"] = gr.Number(
                first["set_size"], label="Pictures a set", info="For sets", precision=0, min_width=90
            )
            parts["steps"] = gr.Number(
                first["steps"], label="Steps", info="Of sampling", precision=0, min_width=90, elem_id="t2-study-steps"
            )
            parts["scheduler"] = gr.Dropdown(
                list(SCHEDULERS),
                value=first["scheduler"],
                label="Scheduler",
                info="Of sampling",
                filterable=False,
                min_width=90,
            )
    return parts


def _asked(services: Services, first: dict[str, Any]) -> Components:
    parts: Components = {}
    with gr.Row(elem_classes="t2-columns"):
        with gr.Column(scale=1, min_width=300):
            parts["title"] = gr.Textbox(first["title"], label="Title", info="Raters read it.", elem_id="t2-study-title")
            parts["aspect"] = gr.Radio(
                ASPECTS, value=first["aspect"], label="Raters say which picture", elem_id="t2-aspect"
            )
            parts["attribute"] = gr.Dropdown(
                [("anything", ""), *((group, group) for group in GROUPS)],
                value=first["attribute"],
                label="Varied in its",
                info="Or another attribute in a word or a few, as 'pose'.",
                allow_custom_value=True,
                elem_id="t2-attribute",
            )
            parts["kind"] = gr.Radio(KINDS, value=first["kind"], label="How they answer", elem_id="t2-kind")
            parts["also"] = gr.CheckboxGroup(
                [("how many kinds of it each set shows", "counts"), ("how sure they are", "confidence")],
                value=first["also"],
                label="Raters also say",
                elem_id="t2-also",
            )
        with gr.Column(scale=1, min_width=300):
            with gr.Row():
                parts["rounds"] = gr.Number(
                    first["rounds"], label="Rounds a survey", precision=0, minimum=1, min_width=90
                )
                parts["checks"] = gr.Number(
                    first["checks"], label="Attention checks", precision=0, minimum=0, min_width=90
                )
                parts["target"] = gr.Number(
                    first["target"], label="Answers wanted", precision=0, minimum=1, min_width=90
                )
            with gr.Accordion("In your own words", open=False):
                parts |= _words(first)
            with gr.Accordion("More settings", open=False), gr.Row():
                parts["shown"] = gr.Number(
                    first["shown"], label="Shown a round", info="0: all", precision=0, min_width=90
                )
                parts["most"] = gr.Number(
                    first["most"], label="At most chosen", info="0: any", precision=0, min_width=90
                )
    return parts


def _words(first: dict[str, Any]) -> Components:
    return {
        "question": gr.Textbox(first["question"], label="Question", placeholder="The usual one"),
        "instructions": gr.Textbox(first["instructions"], label="Instructions", lines=3, max_lines=12),
        "consent": gr.Textbox(
            first["consent"], label="Consent", info="Say what is stored; keep it true.", lines=4, max_lines=12
        ),
        "groups": gr.Textbox(
            first["groups"],
            label="Groups of raters",
            info="Separated by commas; each rater chooses one.",
            elem_id="t2-groups",
        ),
    }
