"""DPOK: policy gradient with a KL pull to the base (Fan et al.; google-research/dpok)."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.methods.options import NOT_ON_POLICY
from t2ialign.training.critic import CriticPlan
from t2ialign.training.experience import MarkedPictures
from t2ialign.training.on_policy import Recipe
from t2ialign.training.step_losses import KlForm, PolicyGradient

KL_FORMS: dict[str, KlForm] = {"noise_gap": "noise_gap", "closed_form": "closed_form"}


@dataclass(frozen=True)
class Options:
    reward_weight: float = option(10.0, "Weight of the reward", "Multiplies the advantage.", 0.001, 10_000, 0.5)
    clip: float = option(1e-4, "Clip", "Bounds the ratio of probabilities on both sides.", 1e-6, 1, embedded=1e-3)
    kl_form: str = option(
        "noise_gap",
        "Form of the pull",
        "noise_gap: the released code's squared difference of guided predictions; closed_form: the paper's KL of a step.",
        choices=tuple(KL_FORMS),
    )
    baseline: str = option(
        "value",
        "Baseline",
        "What is taken off a reward: value, what a value network expects of the step, as published; mean, that of the other "
        "pictures of the group.",
        choices=("value", "mean"),
        embedded="mean",
    )


def recipe(settings: Settings) -> Recipe:
    own, rollouts, pull = settings.own, settings.rollouts, settings.training.kl_weight
    loss = PolicyGradient(own.clip, False, own.reward_weight, pull, KL_FORMS[own.kl_form])
    learned = own.baseline == "value"
    drawn = MarkedPictures(settings.pictures.candidates, "none" if learned else "mean", 100.0, rollouts.step_share)
    return Recipe(
        drawn,
        loss,
        rollouts.updates,
        critic=CriticPlan() if learned else None,
        by_noise=rollouts.step_weights == "noise",
    )


METHOD = Method(
    name="dpok",
    title="DPOK",
    summary="Like DDPO, with a pull that keeps every step near the base's: it climbs less, and keeps more variety.",
    paper="Fan et al., DPOK: Reinforcement Learning for Fine-tuning Text-to-Image Diffusion Models",
    venue="NeurIPS 2023",
    arxiv="2305.16381",
    data="reward",
    options=Options,
    recipe=recipe,
    published_steps=2000,
    embedded_steps=40,
    published={"learning_rate": 1e-5, "kl_weight": 0.01, "grad_clip": 0.1, "rank": 4, "updates": 1, "accumulate": 64},
    embedded={
        "candidates": 6,
        "sampling_steps": 8,
        "learning_rate": 2e-3,
        "kl_weight": 0.01,
        "grad_clip": 1.0,
        "rank": 8,
        "updates": 2,
        "accumulate": 1,
    },
    hidden=NOT_ON_POLICY,
)
