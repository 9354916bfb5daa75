"""GRPO: groups, PPO's clip and a KL in closed form: DanceGRPO on DDIM's steps of a diffusion, Flow-GRPO on a flow's SDE."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.methods.options import NOT_ON_POLICY
from t2ialign.training.experience import MarkedPictures
from t2ialign.training.on_policy import Recipe
from t2ialign.training.step_losses import PolicyGradient


@dataclass(frozen=True)
class Options:
    clip: float = option(
        1e-4, "Clip", "Largest change of a step's probability that is learned from.", 1e-6, 1, embedded=1e-3
    )
    limit: float = option(5.0, "Largest advantage", "In spreads of the prompt's own pictures.", 0.1, 100, 0.1)
    same_noise: bool = option(True, "Same noise", "The pictures of a group begin at one noise (DanceGRPO).")


def recipe(settings: Settings) -> Recipe:
    own = settings.own
    loss = PolicyGradient(own.clip, kl_weight=settings.training.kl_weight)
    rollouts = settings.rollouts
    drawn = MarkedPictures(settings.pictures.candidates, "z_score", own.limit, rollouts.step_share, own.same_noise)
    return Recipe(drawn, loss, rollouts.updates, by_noise=rollouts.step_weights == "noise")


OF_A_FLOW = {
    "learning_rate": 3e-4,
    "candidates": 24,
    "groups": 48,
    "step_share": 1.0,
    "updates": 2,
    "rank": 32,
    "same_noise": False,
}

METHOD = Method(
    name="grpo",
    title="GRPO",
    summary="Pictures of a prompt compete within their group, a part of their steps is learned from, and a KL in closed form "
    "holds every step to the base's.",
    paper="Xue et al., DanceGRPO: Unleashing GRPO on Visual Generation; Liu et al., Flow-GRPO: Training Flow Matching "
    "Models via Online RL",
    venue="2025",
    arxiv="2505.07818",
    data="reward",
    options=Options,
    recipe=recipe,
    published_steps=300,
    embedded_steps=40,
    published={
        "learning_rate": 1e-5,
        "kl_weight": 0.04,
        "candidates": 16,
        "step_share": 0.6,
        "updates": 4,
        "accumulate": 64,
    },
    embedded={
        "candidates": 6,
        "sampling_steps": 8,
        "learning_rate": 2e-3,
        "kl_weight": 0.04,
        "updates": 2,
        "accumulate": 1,
    },
    on_flows={"flow": {**OF_A_FLOW, "kl_weight": 0.004}, "told": {**OF_A_FLOW, "kl_weight": 0.0}},
    hidden=NOT_ON_POLICY,
)
