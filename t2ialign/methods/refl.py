"""ReFL: a reward's slope through one late step and the picture that it sees (Xu et al.; THUDM/ImageReward's ReFL.py)."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.methods.options import BY_GRADIENT
from t2ialign.training.reward_gradient import GradientRecipe, OneStep


@dataclass(frozen=True)
class Options:
    window: int = option(
        10, "Last steps", "The step with gradients is drawn among so many last ones.", 1, 200, 1, embedded=2
    )
    enough: float = option(
        2.0,
        "Enough reward",
        "Pictures with a reward above it teach nothing more; in the reward's own unit, the published one is ImageReward's.",
        -1000,
        1000,
        0.1,
        embedded=4.0,
    )
    reward_weight: float = option(
        1e-3,
        "Weight of the reward",
        "Of the loss; the gradient's clipping, the optimiser's least step and the pull to the reference see it.",
        1e-6,
        1000,
        embedded=1.0,
    )


def recipe(settings: Settings) -> GradientRecipe:
    own, pictures = settings.own, settings.pictures
    reach = OneStep(min(own.window, pictures.sampling_steps))
    return GradientRecipe(
        pictures.candidates, reach, own.enough, own.reward_weight, settings.training.kl_weight, eta=1.0
    )


METHOD = Method(
    name="refl",
    title="ReFL",
    summary="A picture is drawn almost to its end; there the slope of the reward flows back through one step. Pictures that "
    "please enough already are left alone.",
    paper="Xu et al., ImageReward: Learning and Evaluating Human Preferences for Text-to-Image Generation",
    venue="NeurIPS 2023",
    arxiv="2304.05977",
    data="reward",
    options=Options,
    recipe=recipe,
    published_steps=100,
    embedded_steps=40,
    published={
        "learning_rate": 1e-5,
        "candidates": 1,
        "groups": 64,
        "guidance_scale": 1.0,
        "sampling_steps": 40,
        "rank": 8,
    },
    embedded={"learning_rate": 2e-3, "candidates": 4, "groups": 2, "guidance_scale": 1.0, "sampling_steps": 6},
    on_flows={"flow": {"window": 3, "guidance_scale": 1.0}, "told": {"window": 2}},
    hidden=BY_GRADIENT,
)
