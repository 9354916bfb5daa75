"""DDPO: denoising as decisions, reinforced by the reward of the finished picture (Black et al.; kvablack/ddpo-pytorch)."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.methods.options import NOT_ON_POLICY
from t2ialign.training.experience import MarkedPictures
from t2ialign.training.on_policy import Recipe
from t2ialign.training.step_losses import PolicyGradient
from t2ialign.types import InputError


@dataclass(frozen=True)
class Options:
    form: str = option(
        "importance_sampling",
        "Form",
        "score_function: REINFORCE, one update on pictures just drawn; importance_sampling: several, with PPO's clip.",
        choices=("importance_sampling", "score_function"),
    )
    clip: float = option(
        1e-4, "Clip", "Largest change of a step's probability that is learned from.", 1e-6, 1, embedded=1e-3
    )
    limit: float = option(5.0, "Largest advantage", "In spreads of the prompt's own pictures.", 0.1, 100, 0.1)


def recipe(settings: Settings) -> Recipe:
    own, rollouts = settings.own, settings.rollouts
    by_score = own.form == "score_function"
    if by_score and rollouts.updates > 1:
        raise InputError(
            "The score function form is right only for pictures just drawn: set the updates a step to 1, or the form to "
            "importance_sampling."
        )
    loss = PolicyGradient(0.0 if by_score else own.clip, kl_weight=settings.training.kl_weight)
    drawn = MarkedPictures(settings.pictures.candidates, "z_score", own.limit, rollouts.step_share)
    return Recipe(drawn, loss, rollouts.updates, by_noise=rollouts.step_weights == "noise")


METHOD = Method(
    name="ddpo",
    title="DDPO",
    summary="The model draws, a reward marks its pictures, and every step towards a better picture than its group's becomes "
    "likelier. Climbs fast and, without a pull to the base, loses variety fast.",
    paper="Black et al., Training Diffusion Models with Reinforcement Learning",
    venue="ICLR 2024",
    arxiv="2305.13301",
    data="reward",
    options=Options,
    recipe=recipe,
    published_steps=100,
    embedded_steps=40,
    published={"learning_rate": 3e-4, "guidance_scale": 5.0, "updates": 2, "accumulate": 64, "rank": 4},
    embedded={"candidates": 6, "sampling_steps": 8, "learning_rate": 2e-3, "updates": 2, "accumulate": 1, "rank": 8},
    hidden=NOT_ON_POLICY,
)
