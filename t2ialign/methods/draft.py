"""DRaFT: the reward's own slope, through the last K steps of a picture (Clark et al.); no code of theirs was published.

With a pull to the reference it is what NVIDIA/NeMo-Aligner calls DRaFT+: minus the reward plus the mean squared difference of
noise; the published numbers are those of its script.
"""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.methods.options import BY_GRADIENT
from t2ialign.training.reward_gradient import GradientRecipe, LastSteps
from t2ialign.types import InputError


@dataclass(frozen=True)
class Options:
    last: int = option(1, "Steps with gradients", "K: the gradient flows through so many last steps.", 1, 200, 1)
    again: int = option(
        0,
        "Last step again",
        "DRaFT-LV: each picture is noised so many times for its last step, and every time teaches; 2 in its paper, 0: off.",
        0,
        64,
        1,
    )
    eta: float = option(0.0, "Eta", "Noise of the steps: 0 is DDIM, 1 is DDPM.", 0, 1, 0.1)


def recipe(settings: Settings) -> GradientRecipe:
    own, pictures = settings.own, settings.pictures
    if own.again and own.last > 1:
        raise InputError("A picture's last step is taken again only where the gradient ends there: set --last 1.")
    reach = LastSteps(min(own.last, pictures.sampling_steps), own.again)
    return GradientRecipe(pictures.candidates, reach, kl_weight=settings.training.kl_weight, eta=own.eta)


METHOD = Method(
    name="draft",
    title="DRaFT-K",
    summary="The slope of the reward itself says which way each pixel should change, and flows back through the last steps of "
    "drawing. Fast; nothing but the pull to the reference keeps it from what only pleases the reward.",
    paper="Clark et al., Directly Fine-Tuning Diffusion Models on Differentiable Rewards",
    venue="ICLR 2024",
    arxiv="2309.17400",
    data="reward",
    options=Options,
    recipe=recipe,
    published_steps=50,
    embedded_steps=40,
    published={
        "learning_rate": 2.5e-4,
        "candidates": 1,
        "groups": 64,
        "guidance_scale": 7.5,
        "sampling_steps": 25,
        "kl_weight": 0.1,
    },
    embedded={
        "learning_rate": 2e-3,
        "candidates": 4,
        "groups": 2,
        "guidance_scale": 1.0,
        "sampling_steps": 6,
        "kl_weight": 0.0,
    },
    hidden=BY_GRADIENT,
)
