"""What a study compares, as rows with pickers: a component whose value is the list of contenders as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gradio as gr

from t2ialign.codec import decode, encode
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import asset
from t2ialign.metrics import METRICS
from t2ialign.study.design import Contender
from t2ialign.types import InputError

UNREADABLE = "A row of what is compared cannot be read: choose its checkpoint and its CFG again"


def rows_component(services: Services, contenders: Sequence[Contender]) -> gr.HTML:
    """The rows, with the checkpoints that can be sampled and the metrics that score single pictures to choose from."""
    return gr.HTML(
        rows_of(contenders),
        html_template=str(render("study/contenders.html")),
        js_on_load=asset("study/contenders.js"),
        apply_default_css=False,
        elem_id="t2-contenders",
        checkpoints=list(services.checkpoints()),
        metrics=[name for name, metric in METRICS.items() if metric.level == "image"],
    )


def rows_of(contenders: Sequence[Contender]) -> list[Any]:
    """The value that shows these contenders."""
    return [encode(contender) for contender in contenders]


def contenders_of(value: Any) -> tuple[Contender, ...]:
    """The contenders of a value that comes from a browser; ``InputError`` for the first row that is none."""
    if not isinstance(value, list | None):
        raise InputError(f"{UNREADABLE}: they are no list.")
    found = tuple(decode(Contender, one, UNREADABLE) for one in value or ())
    for place, contender in enumerate(found, 1):
        if not math.isfinite(contender.guidance_scale):
            raise InputError(f"Row {place} of what is compared has no number for CFG: fill it in.")
        if not contender.checkpoint.strip():
            raise InputError(f"Row {place} of what is compared has no checkpoint: choose one.")
    return found
