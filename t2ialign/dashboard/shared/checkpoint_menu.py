"""Checkpoints in a menu: each with one line that says what it is and what it learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from markupsafe import Markup

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import Updates
from t2ialign.dashboard.shared.words import DIVERGENCE_TITLES
from t2ialign.files import foreign
from t2ialign.methods import METHODS
from t2ialign.registry import CheckpointEntry
from t2ialign.source import Source
from t2ialign.types import InputError
from t2ialign.use_cases.align.manifest import TrainingManifest, find_manifest
from t2ialign.use_cases.align.request import AlignRequest
from t2ialign.use_cases.previews import strips

RATERS, STYLE = "annotator", "style"


MENUS = ("checkpoints", "stories")
"""The components that ``menus`` changes."""


def menus(services: Services) -> Updates:
    """What can be sampled now, with its stories; what is chosen stays."""
    return {"checkpoints": gr.Dropdown(choices=list(services.checkpoints())), "stories": stories(services)}


def stories(services: Services) -> Markup:
    """A style sheet that writes the story of every checkpoint below its name, in all menus of class ``t2-stories``.

    Above the story stands a strip of what it draws, where one was made.

    So the menus' values and chips stay plain names, and what people type is matched with the names alone.
    """
    backbones = services.bench.registry().backbones
    told = {name: story(entry, backbones[entry.backbone].note) for name, entry in services.checkpoints().items()}
    drawn = {name: f"pictures/previews/{strip.file.name}" for name, strip in strips(services.bench).items()}
    return render("shared/stories.html", told=told, drawn=drawn)


HELD = {"kl_weight": "pull to the reference", "entropy_weight": "push apart", "diversity_weight": "diversity rewarded"}


def story(entry: CheckpointEntry, note: str = "") -> str:
    """``Diffusion-DPO, beta 2,000, from sunny raters. Wins 61 % over base.``; of a backbone its ``note``."""
    try:
        with foreign(f"The manifest of {entry.name} says what cannot be told", "mend it"):
            return _told(entry, note)
    except InputError as error:
        return str(error)


def _told(entry: CheckpointEntry, note: str) -> str:
    manifest = find_manifest(entry.home) if entry.home else None
    manifest = manifest or TrainingManifest()
    if manifest.merge:
        parts = " and ".join(f"{part.weight:g} {part.name}" for part in manifest.merge)
        return f"Blend of {parts}" + (f"; {manifest.merge_error.words}." if manifest.merge_error else ".")
    if entry.method not in METHODS:
        said = entry.note or " ".join(part for part in (f"{entry.title}." if entry.title else "", note) if part)
        return f"{said} Licence: {entry.licence}." if entry.licence else said
    asked = manifest.request or AlignRequest(entry.method, entry.name)
    told = ", ".join([METHODS[entry.method].title, *_choices(dict(asked.options))])
    steps = f", {asked.steps:,} steps" if asked.steps else ""
    seed = f", training seed {asked.seed}" if asked.seed else ""
    return f"{told}{steps}{seed}, from {_source(asked.pairs)}.{_result(manifest)}"


def _choices(options: Mapping[str, Any]) -> list[str]:
    """What tells runs of one method apart."""
    divergence = str(options.get("divergence", ""))
    said = [DIVERGENCE_TITLES.get(divergence, divergence.replace("=", " "))] if divergence else []
    if "beta" in options:
        beta = options["beta"]
        strength = f"{beta:,g}" if isinstance(beta, int | float) else str(beta)
        said.append(f"beta {strength}" + ("" if options.get("match_strength", True) else " unmatched"))
    for name, words in HELD.items():
        weight = options.get(name)
        if isinstance(weight, int | float) and weight:
            said.append(f"{words} {weight:g}")
    return [*said, "DoRA"] if options.get("adapter") == "dora" else said


def _source(source: Source) -> str:
    if not source.kind:
        return "its own pictures"
    if source.kind == RATERS:
        return f"{source.group} raters" if source.group else "raters of every taste"
    return f"{source.group} style alone" if source.kind == STYLE else str(source)


def _result(manifest: TrainingManifest) -> str:
    """What it was trained over, and how often its pictures were preferred to its parent's, as its manifest has it."""
    wins = manifest.scores.win_rate if manifest.scores else None
    over = f"over {' and '.join(manifest.parents)}." if manifest.parents else ""
    if wins:
        return f" Wins {100 * wins.mean:.0f} % {over}"
    return f" Trained {over}" if over else ""
