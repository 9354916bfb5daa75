"""The Explore form: the prompt with its examples, and the settings beside the results."""

from __future__ import annotations

import gradio as gr

from t2ialign.dashboard.explore.example_prompts import chips
from t2ialign.dashboard.explore.form import FEWEST, MOST, Form, cost_of
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.checkpoint_menu import stories
from t2ialign.dashboard.shared.fitting_prompts import FIRST_PROMPT
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.visitors import in_a_line
from t2ialign.dashboard.shared.wiring import asset
from t2ialign.guidance import GUIDANCE, title_of
from t2ialign.samplers import SCHEDULERS
from t2ialign.use_cases.batches.run import MAX_CHECKPOINTS

BLENDS = "Blends: among the checkpoints, type two with their weights, as dmpo@0.5+dpo@0.5."
FIELDS = (
    "prompt",
    "checkpoints",
    "guidance_scale",
    "first_seed",
    "seed_count",
    "steps",
    "scheduler",
    "guidance",
    "guidance_params",
    "negative_prompt",
    "height",
    "width",
)

Components = dict[str, gr.blocks.Block]


def prompt_panel(services: Services) -> Components:
    """The prompt box with Generate and Cancel, and examples by category from the chosen prompt set."""
    with gr.Row(elem_id="t2-ask-row"):
        prompt = gr.Textbox(
            FIRST_PROMPT,
            label="Prompt",
            show_label=False,
            placeholder="Describe the picture",
            lines=1,
            max_lines=4,
            container=False,
            scale=1,
            elem_id="t2-prompt",
        )
        generate = gr.Button("Generate", variant="primary", elem_id="t2-generate", scale=0, min_width=120)
        cancel = gr.Button("Cancel", visible=False, elem_id="t2-cancel", scale=0, min_width=120)
    gr.HTML(notice(in_a_line(services.visits.limits), "hint"), visible=owner.guarded(), apply_default_css=False)
    with gr.Row(elem_id="t2-examples"):
        examples = gr.HTML(
            chips(next(iter(services.prompts.values()), ())),
            js_on_load="".join(asset(f"explore/{name}.js") for name in ("example_prompts", "typed", "dropped")),
            apply_default_css=False,
            elem_id="t2-chips",
        )
        prompt_set = gr.Dropdown(
            [(f"Examples: {name}", name) for name in services.prompts],
            label="Examples from",
            container=False,
            scale=0,
            min_width=216,
            filterable=False,
            elem_id="t2-prompt-set",
        )
    return {
        "world": gr.HTML("", apply_default_css=False, elem_id="t2-world"),
        "prompt": prompt,
        "generate": generate,
        "cancel": cancel,
        "examples": examples,
        "prompt_set": prompt_set,
    }


def settings_panel(services: Services) -> Components:
    """Checkpoints, guidance, seeds and steps; what is seldom changed is folded away."""
    first = Form(FIRST_PROMPT)
    checkpoints = gr.Dropdown(
        list(services.checkpoints()),
        value=list(first.checkpoints),
        multiselect=True,
        max_choices=MAX_CHECKPOINTS,
        allow_custom_value=True,
        label="Checkpoints",
        info="Models to compare, up to four.",
        elem_id="t2-checkpoints",
        elem_classes="t2-stories",
    )
    told = gr.HTML(stories(services), apply_default_css=False, elem_id="t2-stories")
    guidance_scale = gr.Slider(
        0,
        20,
        first.guidance_scale,
        step=0.5,
        label="Guidance (CFG)",
        info="More faithful, less varied →",
        buttons=[],
        elem_id="t2-cfg",
    )
    return {
        "checkpoints": checkpoints,
        "stories": told,
        "guidance_scale": guidance_scale,
        **_seeds(first),
        **_advanced(first),
        "picture": gr.UploadButton(
            "Take settings from a picture",
            file_types=["image"],
            size="sm",
            elem_id="t2-picture-file",
        ),
    }


def _seeds(first: Form) -> Components:
    with gr.Row(elem_classes="t2-pair-row"):
        seed_count = gr.Slider(
            FEWEST,
            MOST,
            first.seed_count,
            step=1,
            label="Seeds",
            buttons=[],
            scale=3,
            min_width=140,
            elem_id="t2-seeds",
        )
        first_seed = gr.Number(
            first.first_seed,
            label="First seed",
            precision=0,  # its bounds are the handler's: Gradio's own would end in an error without a sentence
            scale=2,
            min_width=80,
            elem_id="t2-first-seed",
        )
    return {"seed_count": seed_count, "first_seed": first_seed}


def _advanced(first: Form) -> Components:
    with gr.Accordion("More settings", open=False, elem_id="t2-advanced"):
        steps = gr.Slider(1, 100, first.steps, step=1, label="Steps", buttons=[], elem_id="t2-steps")
        scheduler = gr.Dropdown(
            [(choice.summary, name) for name, choice in SCHEDULERS.items()],
            value=first.scheduler,
            label="Scheduler",
            filterable=False,
        )
        guidance = gr.Dropdown(
            [(title_of(name), name) for name in GUIDANCE],
            value=first.guidance,
            label="Guidance strategy",
            info=cost_of(first.guidance),
            filterable=False,
            elem_id="t2-guidance",
        )
        guidance_params = gr.Textbox(
            first.guidance_params,
            label="Its parameters",
            placeholder="This strategy has none",
            elem_id="t2-guidance-params",
        )
        gr.HTML(notice(BLENDS, "hint"), apply_default_css=False)
        negative_prompt = gr.Textbox("", label="Negative prompt", placeholder="What the picture should not show")
        with gr.Row(elem_classes="t2-pair-row"):
            height = gr.Number(0, label="Height", info="0: as the model is made for", precision=0, min_width=80)
            width = gr.Number(0, label="Width", info="0: as the model is made for", precision=0, min_width=80)
    return {
        "steps": steps,
        "scheduler": scheduler,
        "guidance": guidance,
        "guidance_params": guidance_params,
        "negative_prompt": negative_prompt,
        "height": height,
        "width": width,
    }
