"""DSPO: the score of the preferred picture, pushed by the preference (Zhu et al.; huaishengzhu/DSPO, its SD-1.5 branch)."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.training.losses import Loss, ScorePreferenceLoss


@dataclass(frozen=True)
class Options:
    beta: float = option(
        0.001,
        "Beta",
        "Strength of the push, and half of it that of the preference inside. Published: 0.001 to 0.05.",
        0.0001,
        10,
        0.001,
        embedded=0.05,
    )


def loss(settings: Settings) -> Loss:
    return ScorePreferenceLoss(settings.own.beta, settings.penalties)


METHOD = Method(
    name="dspo",
    title="DSPO",
    summary="Learns to draw the preferred pictures as fine-tuning does, with a push beyond them where the preference is not "
    "yet learned.",
    paper="Zhu et al., DSPO: Direct Score Preference Optimization for Diffusion Model Alignment",
    venue="ICLR 2025",
    arxiv="",
    data="pairs",
    options=Options,
    loss=loss,
    published_steps=1000,
    embedded_steps=150,
)
