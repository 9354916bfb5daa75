"""Diffusion-DPO: reverse KL, the sigmoid link, denoising errors as log-ratios (SalesforceAIResearch/DiffusionDPO)."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.methods.options import safeguard_option
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.log_ratio import scale_of
from t2ialign.training.losses import Loss, PairLoss


@dataclass(frozen=True)
class Options:
    beta: float = option(
        5000.0,
        "Beta",
        "Strength of the pull to the reference, as in the paper's code: -log sigmoid(-(beta/2) difference).",
        1,
        20_000,
        50,
        embedded=2000.0,
    )
    safeguard: bool = safeguard_option(False)


def loss(settings: Settings) -> Loss:
    own = settings.own
    scale = scale_of(own.beta, "diffusion_dpo")
    return PairLoss(Sigmoid(), scale=scale, penalties=settings.penalties, safeguard=settings.safeguard)


METHOD = Method(
    name="diffusion_dpo",
    title="Diffusion-DPO",
    summary="Learns from pairs: pictures that people preferred become likelier, the others rarer. The usual first choice; "
    "it aligns strongly and lets pictures grow alike.",
    paper="Wallace et al., Diffusion Model Alignment Using Direct Preference Optimization",
    venue="CVPR 2024",
    arxiv="2311.12908",
    data="pairs",
    options=Options,
    loss=loss,
    published_steps=2000,
    embedded_steps=150,
    published={"empty_prompts": 0.2},
)
