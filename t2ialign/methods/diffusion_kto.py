"""Diffusion-KTO: thumbs up and thumbs down on single pictures (jacklishufan/diffusion-kto)."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.objectives.kto import Kto
from t2ialign.training.losses import LabelledLoss, Loss


@dataclass(frozen=True)
class Options:
    beta: float = option(
        1000.0,
        "Beta",
        "Strength of the pull to the reference, on the mean denoising error.",
        1,
        20_000,
        50,
        embedded=2000.0,
    )
    liked_share: float = option(
        0.8,
        "Share of liked pictures",
        "Whichever side is too common is thinned out until liked pictures have this share.",
        0.05,
        0.95,
        0.05,
        embedded=0.5,
    )


def loss(settings: Settings) -> Loss:
    return LabelledLoss(Kto(), scale=settings.own.beta, penalties=settings.penalties)


METHOD = Method(
    name="diffusion_kto",
    title="Diffusion-KTO",
    summary="Learns from likes and dislikes of single pictures; no comparison is needed, so plain thumbs up and down will "
    "do. Every pair counts as one liked and one disliked picture.",
    paper="Li et al., Aligning Diffusion Models by Optimizing Human Utility",
    venue="NeurIPS 2024",
    arxiv="2404.04465",
    data="unpaired",
    options=Options,
    loss=loss,
    published_steps=20_000,
    embedded_steps=150,
    published={"batch_size": 2048, "accumulate": 256, "learning_rate": 1e-7},
    embedded={"batch_size": 32},
)
