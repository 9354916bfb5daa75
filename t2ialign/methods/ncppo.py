"""NCPPO: Diffusion-DPO whose errors are seen by the UNet's own encoder (Gambashidze et al.).

Code: sakharok13/Aligning-Stable-Diffusion-with-Noise-Conditioned-Perception, its script that looks at all states down to the
middle, one step on.
"""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.losses import Loss, PairLoss, PerceivedPairLoss


@dataclass(frozen=True)
class Options:
    beta: float = option(
        2500.0,
        "Beta",
        "Strength, on the mean squared difference of the encoder's states.",
        1,
        1_000_000,
        50,
        embedded=2000.0,
    )


def loss(settings: Settings) -> Loss:
    return PerceivedPairLoss(PairLoss(Sigmoid(), scale=settings.own.beta, penalties=settings.penalties))


METHOD = Method(
    name="ncppo",
    title="NCPPO",
    summary="Diffusion-DPO that does not count differences of noise but what the UNet's own encoder sees of them, one step on: "
    "nearer to what people see, so fewer steps are needed. Each step costs about three times as much.",
    paper="Gambashidze et al., Aligning Diffusion Models with Noise-Conditioned Perception",
    venue="2024",
    arxiv="2406.17636",
    data="pairs",
    options=Options,
    loss=loss,
    published_steps=1500,
    embedded_steps=150,
    published={"learning_rate": 5e-6, "batch_size": 512, "accumulate": 128, "rank": 64},
    unet_only=True,
)
