"""alpha-DPO: Diffusion-DPO with a link that leaves alone what looks mislabelled (yangli-lab/Diffusion_alpha-DPO_ICLR2026)."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.divergences import ReverseKl
from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.objectives.alpha_dpo import AlphaDpo
from t2ialign.training.log_ratio import scale_of
from t2ialign.training.losses import Loss, PairLoss


@dataclass(frozen=True)
class Options:
    beta: float = option(
        4000.0,
        "Beta",
        "Diffusion-DPO's: half of it multiplies the difference of errors.",
        1,
        20_000,
        50,
        embedded=2000.0,
    )
    alpha: float = option(
        0.9999, "Alpha", "Near 1, pairs that the policy orders badly are left alone.", 0.01, 10, 0.0001
    )


def loss(settings: Settings) -> Loss:
    own = settings.own
    scale = scale_of(own.beta, "diffusion_dpo")
    return PairLoss(AlphaDpo(alpha=own.alpha), ReverseKl(), scale, settings.penalties)


METHOD = Method(
    name="alpha_dpo",
    title="alpha-DPO",
    summary="Diffusion-DPO for preferences that are sometimes wrong: pairs which the model orders very differently teach it "
    "little.",
    paper="alpha-DPO for diffusion models, as its code has it (yangli-lab/Diffusion_alpha-DPO_ICLR2026)",
    venue="ICLR 2026",
    arxiv="",
    data="pairs",
    options=Options,
    loss=loss,
    published_steps=2000,
    embedded_steps=150,
    published={"empty_prompts": 0.2},
)
