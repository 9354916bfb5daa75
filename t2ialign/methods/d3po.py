"""D3PO: the preference between two finished pictures teaches every step that led to them (Yang et al.; yk7333/d3po)."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.divergences import parse_divergence
from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.methods.options import NOT_ON_POLICY
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.experience import PicturePairs
from t2ialign.training.on_policy import Recipe
from t2ialign.training.step_losses import StepPreference


@dataclass(frozen=True)
class Options:
    beta: float = option(0.1, "Beta", "Strength, on a step's log-ratio.", 0.001, 10_000, embedded=10.0)
    clamp: float = option(0.1, "Clamp", "Bounds both ratios; beyond, a pair teaches nothing. 0: none.", 0, 0.9, 0.01)
    divergence: str = option(
        "reverse_kl",
        "Divergence",
        "How distance from the reference is counted; short: rkl, fkl, js, alpha=0.6.",
        choices=("reverse_kl", "jensen_shannon", "forward_kl", "alpha"),
        free=True,
    )
    discount: float = option(
        1.0,
        "Discount",
        "The k-th step from the noise weighs this to the k. DenseReward (arXiv:2402.08265): 0.9.",
        0.1,
        1,
        0.05,
    )


def recipe(settings: Settings) -> Recipe:
    own = settings.own
    objective, divergence = Sigmoid(own.beta), parse_divergence(own.divergence)
    loss = StepPreference(objective, divergence, own.clamp, settings.training.kl_weight)
    return Recipe(
        PicturePairs(own.discount), loss, settings.rollouts.updates, by_noise=settings.rollouts.step_weights == "noise"
    )


METHOD = Method(
    name="d3po",
    title="D3PO",
    summary="Two pictures from one and the same noise; every step of the better one is preferred to the other's. No scale of "
    "the reward is needed, only which is better.",
    paper="Yang et al., Using Human Feedback to Fine-tune Diffusion Models without Any Reward Model",
    venue="CVPR 2024",
    arxiv="2311.13231",
    data="reward",
    options=Options,
    recipe=recipe,
    published_steps=400,
    embedded_steps=40,
    published={"learning_rate": 3e-5, "guidance_scale": 5.0, "sampling_steps": 20, "groups": 10, "accumulate": 64},
    embedded={"learning_rate": 2e-3, "sampling_steps": 8, "groups": 6, "accumulate": 1},
    hidden=NOT_ON_POLICY | {"candidates", "step_share"},
)
