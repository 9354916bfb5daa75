"""Prompts to begin with, by category: one click fills the prompt box."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr
from markupsafe import Markup

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.fitting_prompts import offered
from t2ialign.dashboard.shared.templates import render
from t2ialign.types import Prompt

EACH = 12


def chips(prompts: Sequence[Prompt]) -> Markup:
    """A row of categories and, for the one that is open, a row of its prompts."""
    groups: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        groups.setdefault(prompt.category or "prompts", []).append(prompt)
    return render("explore/example_prompts.html", groups=groups, each=EACH)


def sets_menu(services: Services, checkpoints: Sequence[str], chosen: str = "") -> gr.Dropdown:
    """The sets that there are now for these checkpoints; without ``chosen`` what is chosen stays."""
    sets = [(f"Examples: {name}", name) for name in offered(services, checkpoints)]
    return gr.Dropdown(sets, value=chosen) if chosen else gr.Dropdown(sets)
