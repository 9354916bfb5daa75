"""DMPO: reverse KL between the policy's preference and a nearly certain one (Li et al.; numbers of Diffusion-SDPO)."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.methods.options import safeguard_option
from t2ialign.objectives.dmpo import Dmpo
from t2ialign.training.log_ratio import scale_of
from t2ialign.training.losses import Loss, PairLoss


@dataclass(frozen=True)
class Options:
    beta: float = option(
        2000.0,
        "Beta",
        "Strength of the pull to the reference, as Diffusion-DPO counts it.",
        1,
        20_000,
        50,
        embedded=2000.0,
    )
    alpha: float = option(
        0.01,
        "Alpha",
        "The chance that a preference is wrong: the margin is drawn to log((1 - alpha) / alpha), 4.6 at 0.01.",
        1e-6,
        0.499,
        0.01,
    )
    safeguard: bool = safeguard_option(True, embedded=False)


def loss(settings: Settings) -> Loss:
    own = settings.own
    scale = scale_of(own.beta, "diffusion_dpo")
    return PairLoss(Dmpo(alpha=own.alpha), scale=scale, penalties=settings.penalties, safeguard=settings.safeguard)


METHOD = Method(
    name="dmpo",
    title="DMPO",
    summary="Learns from pairs like Diffusion-DPO, but aims at a set certainty for every pair and gives up on pairs that "
    "it gets very wrong, so a few odd votes do less harm.",
    paper="Li et al., Divergence Minimization Preference Optimization for Diffusion Model Alignment",
    venue="preprint, 2025",
    arxiv="2507.07510",
    data="pairs",
    options=Options,
    loss=loss,
    published_steps=2000,
    embedded_steps=150,
    published={"empty_prompts": 0.2},
)
