"""IPO for diffusion models: Diffusion-DPO's log-ratios under the squared link, a target for the margin (Azar et al.)."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.methods.options import scale_option
from t2ialign.objectives.ipo import Ipo
from t2ialign.training.losses import Loss, PairLoss


@dataclass(frozen=True)
class Options:
    beta: float = option(
        1.0, "Beta", "The margin is drawn to 1 / (2 beta): a smaller beta aligns more.", 0.001, 100, 0.05, embedded=0.2
    )
    scale: float = scale_option()


def loss(settings: Settings) -> Loss:
    return PairLoss(Ipo(settings.own.beta), scale=settings.own.scale, penalties=settings.penalties)


METHOD = Method(
    name="ipo",
    title="IPO",
    summary="Like Diffusion-DPO, but each pair has a goal: once a winner is likelier than its loser by a set margin, the "
    "push stops and even turns back. Hard to overdo.",
    paper="Azar et al., A General Theoretical Paradigm to Understand Learning from Human Preferences",
    venue="AISTATS 2024",
    arxiv="2310.12036",
    data="pairs",
    options=Options,
    loss=loss,
    published_steps=2000,
    embedded_steps=150,
    published={"empty_prompts": 0.2},
)
