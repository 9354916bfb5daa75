"""The fields for what a checkpoint's makers draw with, wherever one is added or described. Empty is: as its backbone."""

from __future__ import annotations

from typing import TypedDict

import gradio as gr

from t2ialign.dashboard.shared.fields import whole_in
from t2ialign.registry import CheckpointEntry
from t2ialign.samplers import SCHEDULERS, check_makers

AS_BACKBONE = "As its backbone"


class SaidNumbers(TypedDict):
    """As ``Words`` takes them; 0 and "" are the backbone's."""

    steps: int
    guidance_scale: float
    scheduler: str


def fields(stem: str) -> dict[str, gr.blocks.Block]:
    """Steps, CFG and scheduler in a row; their elements are called after ``stem``."""
    offered = [(AS_BACKBONE, ""), *((choice.summary, name) for name, choice in SCHEDULERS.items())]
    usual: dict[str, gr.blocks.Block] = {}
    with gr.Row():
        usual["steps"] = gr.Number(
            None, label="Its makers' steps", placeholder=AS_BACKBONE, minimum=0, min_width=90, elem_id=f"{stem}-steps"
        )
        usual["scale"] = gr.Number(
            None, label="Its makers' CFG", placeholder=AS_BACKBONE, minimum=0, min_width=90, elem_id=f"{stem}-scale"
        )
    usual["scheduler"] = gr.Dropdown(
        offered, value="", label="Its makers' scheduler", filterable=False, elem_id=f"{stem}-scheduler"
    )
    return usual


def said(steps: float | None, scale: float | None, scheduler: str | None) -> SaidNumbers:
    """What the fields say.

    Raises:
        InputError: steps that are no whole number, or that its scheduler does not take.
    """
    whole = whole_in(steps, "Its makers' steps") if steps else 0
    check_makers(whole, scale or 0.0, scheduler or "")
    return {"steps": whole, "guidance_scale": scale or 0.0, "scheduler": scheduler or ""}


def shown(entry: CheckpointEntry | None) -> tuple[int | None, float | None, str]:
    """The fields' values of a checkpoint."""
    return (entry.steps or None, entry.guidance_scale or None, entry.scheduler) if entry else (None, None, "")
