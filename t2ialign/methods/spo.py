"""SPO: at every step the best of several ways on is preferred to the worst (Liang et al.; RockeyCoss/SPO).

The published step-aware preference model is trained on Pick-a-Pic. Here any reward takes its place, on the picture that the
next step sees, which is what that model reads too; or, of the embedded world, a step-aware model of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.divergences import matched_beta, parse_divergence
from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.methods.options import NOT_ON_POLICY
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.experience import Branches
from t2ialign.training.on_policy import Recipe
from t2ialign.training.step_losses import StepPreference
from t2ialign.types import InputError


@dataclass(frozen=True)
class Options:
    beta: float = option(10.0, "Beta", "Strength, on a step's log-ratio.", 0.001, 10_000, 0.5)
    clamp: float = option(
        0.1,
        "Clamp",
        "Bounds both ratios; beyond, a pair teaches nothing. 0: none, and the divergences differ.",
        0,
        0.9,
        0.01,
    )
    divergence: str = option(
        "reverse_kl",
        "Divergence",
        "How distance from the reference is counted; short: rkl, fkl, js, alpha=0.6.",
        choices=("reverse_kl", "jensen_shannon", "forward_kl", "alpha"),
        free=True,
    )
    match_strength: bool = option(
        True, "Match strength", "Divide beta by f''(1), so that every divergence starts as strong as reverse KL."
    )
    skip: int = option(
        4, "Steps left out", "So many first steps, of which nobody can judge a picture.", 0, 199, 1, embedded=1
    )
    threshold: float = option(
        0.3,
        "Least preference",
        "Pairs whose preference, tanh of half the difference of their rewards, is not above it teach nothing.",
        0,
        0.99,
        0.01,
        embedded=0.0,
    )
    abreast: int = option(
        1,
        "Pictures side by side",
        "So many of a prompt are drawn at once, and what a way on adds to diversity is counted among them: among the ways on "
        "from one step alone it is chance.",
        1,
        64,
        1,
    )
    step_aware: bool = option(
        False,
        "Step-aware judge",
        "Steps are judged by a preference model that was trained on unfinished pictures, as published, in the place of the "
        "reward; the embedded world has one to train (docs/methods.md).",
    )


def recipe(settings: Settings) -> Recipe:
    own = settings.own
    if settings.rollouts.diversity_weight and own.abreast < 2:
        raise InputError(
            "Among the ways on from one step diversity is chance: draw several pictures of a prompt side by side, as with "
            "--abreast 4, or set lambda to 0."
        )
    if settings.rollouts.diversity_weight and own.step_aware:
        raise InputError(
            "A step-aware judge marks single pictures and knows no lambda: switch step_aware off, or set lambda to 0."
        )
    divergence = parse_divergence(own.divergence)
    beta = matched_beta(divergence, own.beta) if own.match_strength else own.beta
    loss = StepPreference(Sigmoid(beta), divergence, own.clamp, settings.training.kl_weight)
    branches = Branches(settings.pictures.candidates, own.skip, own.threshold, own.abreast, own.step_aware)
    return Recipe(branches, loss, settings.rollouts.updates)


METHOD = Method(
    name="spo",
    title="SPO",
    summary="From one unfinished picture several ways on are tried, and the step to the best is preferred to the step to the "
    "worst: a preference for every step instead of one for the whole picture. With any divergence.",
    paper="Liang et al., Aesthetic Post-Training Diffusion Models from Generic Preferences with Step-by-step Preference "
    "Optimization",
    venue="CVPR 2025",
    arxiv="2406.04314",
    data="reward",
    options=Options,
    recipe=recipe,
    published_steps=4000,
    embedded_steps=40,
    published={
        "learning_rate": 6e-5,
        "guidance_scale": 5.0,
        "sampling_steps": 20,
        "candidates": 4,
        "groups": 10,
        "rank": 4,
        "accumulate": 16,
    },
    embedded={
        "learning_rate": 2e-3,
        "guidance_scale": 1.0,
        "sampling_steps": 6,
        "candidates": 4,
        "groups": 4,
        "rank": 8,
        "accumulate": 1,
    },
    on_flows={"flow": {"skip": 2}, "told": {"skip": 1}},
    hidden=NOT_ON_POLICY | {"step_share", "step_weights"},
)
