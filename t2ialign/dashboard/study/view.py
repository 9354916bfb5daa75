"""The Study page's components: which study, its design, how people are invited, and what they said."""

from __future__ import annotations

from typing import Literal

import gradio as gr

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.html import heading, notice, paragraph
from t2ialign.dashboard.shared.wiring import asset
from t2ialign.dashboard.study.design_form_view import form_panel
from t2ialign.methods import METHODS

Components = dict[str, gr.blocks.Block]
RULES = [
    ("failed more attention checks than", "attention"),
    ("median answer faster than (ms)", "fast"),
    ("same positions in more than this share of answers", "constant"),
    ("fewer answers than", "short"),
]
EXPORTS = {"csv": "CSV, a file a survey", "votes": "Parquet", "pairs": "Pick-a-Pic pairs", "all": "Everything"}


def choice_panel() -> Components:
    """Which study is on show, under the place for sentences about problems."""
    sentence = gr.HTML("", apply_default_css=False, elem_id="t2-study-notice")
    with gr.Row(elem_id="t2-study-choice"):
        study = gr.Dropdown(
            [], label="Study", show_label=False, container=False, filterable=False, scale=1, elem_id="t2-study"
        )
        new = gr.Button("New study", scale=0, min_width=120, elem_id="t2-study-new")
    status = gr.HTML("", apply_default_css=False, elem_id="t2-study-status")
    return {"study_notice": sentence, "study": study, "new": new, "status": status}


def design_panel(services: Services) -> Components:
    """The form, its TOML, and what can be done with a draft."""
    parts = form_panel(services)
    with gr.Row(elem_classes="t2-actions") as drafting:
        parts["save"] = gr.Button("Save the draft", scale=0, min_width=130, elem_id="t2-study-save")
        parts["prepare"] = gr.Button("Make the pictures", scale=0, min_width=150, elem_id="t2-study-prepare")
        parts |= confirmed(
            "publish", "Open the study", "It is frozen then: its design and pictures never change again.", "Open it"
        )
        parts |= confirmed("delete", "Delete the draft", "The design is gone then.", "Delete it", plain=True)
    with gr.Row(elem_classes="t2-actions"):
        parts["copy"] = gr.Button("New study from this design", scale=0, min_width=210, visible=False)
        parts["write_toml"] = gr.Button("Export as TOML", size="sm", scale=0, min_width=130, elem_id="t2-toml-out")
        parts["read_toml"] = gr.UploadButton(
            "Import", file_types=[".toml", ".zip"], size="sm", scale=0, min_width=90, elem_id="t2-toml-in"
        )
    with gr.Row(elem_classes="t2-files"):
        parts["toml"] = gr.File(visible=False, label="The design as TOML", elem_id="t2-toml-file")
    return {**parts, "drafting": drafting}


def invite_panel() -> Components:
    """The link with its QR code, and pausing and closing."""
    invitation = gr.HTML("", js_on_load=asset("study/invite.js"), apply_default_css=False, elem_id="t2-invitation")
    with gr.Row(elem_classes="t2-actions"):
        pause = gr.Button("Pause", scale=0, min_width=110, visible=False, elem_id="t2-study-pause")
        go_on = gr.Button("Resume", scale=0, min_width=110, visible=False, elem_id="t2-study-resume")
        closing = confirmed(
            "close", "Close the study", "Nobody can answer after that, for good.", "Close it", visible=False, plain=True
        )
    log = gr.HTML("", apply_default_css=False)
    return {"invitation": invitation, "pause": pause, "resume": go_on, **closing, "log": log}


def results_panel() -> Components:
    """Numbers, charts and tables; what is left out; exports; and the way from votes to an adapter."""
    parts: Components = {}
    with gr.Row(elem_classes="t2-actions"):
        parts["group"] = gr.Dropdown(
            [("Everybody", "")], value="", label="Raters", filterable=False, scale=0, min_width=200, visible=False
        )
    parts["headline"] = gr.HTML("", apply_default_css=False, elem_id="t2-study-headline")
    with gr.Column(visible=False) as parts["found"]:
        with gr.Row(elem_classes="t2-columns"):
            with gr.Column(scale=1, min_width=320):
                parts["rates"] = gr.Plot(show_label=False, container=False, elem_id="t2-study-rates")
            with gr.Column(scale=1, min_width=320):
                parts["contested"] = gr.HTML("", apply_default_css=False, elem_id="t2-study-contested")
        with gr.Accordion("How sure?", open=False, elem_id="t2-study-sure"):
            parts["sentences"] = gr.HTML("", apply_default_css=False, elem_id="t2-study-sentences")
            parts["strengths"] = gr.Plot(show_label=False, container=False, elem_id="t2-study-strengths")
            parts["tables"] = gr.HTML("", apply_default_css=False, elem_id="t2-study-tables")
            gr.HTML(heading("Which metric sees as people do"), apply_default_css=False, elem_classes="t2-title")
            parts["metrics"] = gr.Plot(show_label=False, container=False, elem_id="t2-study-metrics")
        parts |= _exclusion_panel() | _export_panel()
    return parts


def _exclusion_panel() -> Components:
    with gr.Accordion("Leave surveys out", open=False, elem_id="t2-exclusions"):
        gr.HTML(notice("By rule, logged and reversible; nothing is deleted.", "hint"), apply_default_css=False)
        with gr.Row(elem_classes="t2-actions"):
            rule = gr.Dropdown(RULES, value="attention", label="Surveys that", filterable=False, scale=2, min_width=220)
            limit = gr.Number(0, label="Limit", minimum=0, scale=0, min_width=90)
            reason = gr.Textbox(label="Why", scale=2, min_width=160, placeholder="For the log")
            add = gr.Button("Leave out", scale=0, min_width=110, elem_id="t2-exclude")
        with gr.Row(elem_classes="t2-actions"):
            inforce = gr.Dropdown([], label="In force", filterable=False, scale=2, min_width=220)
            drop = gr.Button("Take back", scale=0, min_width=110)
    return {"rule": rule, "limit": limit, "reason": reason, "exclude": add, "inforce": inforce, "include": drop}


def _export_panel() -> Components:
    gr.HTML(heading("Take the votes with you"), apply_default_css=False, elem_classes="t2-title")
    with gr.Row(elem_classes="t2-actions"):
        buttons = {
            f"export_{name}": gr.Button(title, size="sm", scale=0, min_width=90, elem_id=f"t2-study-export-{name}")
            for name, title in EXPORTS.items()
        }
    file = gr.File(visible=False, label="Export", elem_id="t2-study-file")
    with gr.Accordion("To the Hugging Face Hub", open=False), gr.Row(elem_classes="t2-actions"):
        repo = gr.Textbox(label="Private dataset", placeholder="your-name/your-study", scale=1)
        push = gr.Button("Upload with pictures and card", scale=0, min_width=200)
    return {**buttons, "export_file": file, "repo": repo, "push": push}


def loop_panel(services: Services) -> Components:
    """From votes to an adapter, and from the adapter to the next study."""
    checkpoints = list(services.checkpoints())
    methods = [(method.title, name) for name, method in METHODS.items() if method.data in ("pairs", "unpaired")]
    with gr.Column(elem_id="t2-loop"):
        gr.HTML(heading("Train on these votes"), apply_default_css=False, elem_classes="t2-title")
        with gr.Row():
            method = gr.Dropdown(methods, value=methods[0][1], label="Method", filterable=False, min_width=200)
            votes_of = gr.Dropdown([("Everybody", "")], value="", label="Votes of", filterable=False, min_width=160)
            parent = gr.Dropdown(
                checkpoints, value=checkpoints[0] if checkpoints else None, label="Start from", min_width=160
            )
        with gr.Row():
            name = gr.Textbox(label="Name", info="Of the new checkpoint.", min_width=200, elem_id="t2-study-train-name")
            steps = _count(0, "Steps", "0: the method's own.", "t2-study-train-steps")
            tests = _count(24, "Test prompts", "Scored before and after.", "t2-study-train-tests")
        train = gr.Button("Train on these votes", variant="primary", scale=0, min_width=180, elem_id="t2-study-train")
        training = gr.HTML("", apply_default_css=False, elem_id="t2-training")
        with gr.Row(elem_classes="t2-actions", visible=False) as following:
            trained = gr.Dropdown([], label="Trained on these votes", filterable=False, min_width=180)
            follow = confirmed(
                "follow",
                "Follow-up study",
                "The same study once more: this checkpoint against its parent. The pictures are made, then it opens.",
                "Make it and open it",
            )
    return {
        "method": method,
        "parent": parent,
        "votes_of": votes_of,
        "train_steps": steps,
        "train_tests": tests,
        "train_name": name,
        "train": train,
        "training": training,
        "following": following,
        "trained": trained,
        **follow,
    }


def _count(value: int, label: str, info: str, elem_id: str) -> gr.Number:
    return gr.Number(value, label=label, info=info, precision=0, minimum=0, min_width=90, elem_id=elem_id)


def confirmed(name: str, label: str, sentence: str, yes: str, visible: bool = True, plain: bool = False) -> Components:
    """A button that asks first: ``name`` opens the question, ``name_yes`` means it, ``name_no`` does not."""
    variant: Literal["secondary", "primary"] = "secondary" if plain else "primary"
    button = gr.Button(label, variant=variant, scale=0, min_width=140, visible=visible, elem_id=f"t2-{name}")
    with gr.Column(visible=False, elem_classes="t2-confirm", min_width=260, scale=0) as question:
        gr.HTML(paragraph(sentence), apply_default_css=False)
        with gr.Row():
            agree = gr.Button(yes, variant="primary", size="sm", elem_id=f"t2-{name}-yes")
            refuse = gr.Button("Not now", size="sm", elem_id=f"t2-{name}-no")
    return {name: button, f"{name}_ask": question, f"{name}_yes": agree, f"{name}_no": refuse}
