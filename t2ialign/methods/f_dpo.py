"""f-divergence DPO for diffusion models: Diffusion-DPO with any divergence in place of reverse KL (Sun et al.)."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.divergences import matched_beta, parse_divergence
from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.methods.options import safeguard_option, scale_option
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.losses import Loss, PairLoss


@dataclass(frozen=True)
class Options:
    divergence: str = option(
        "jensen_shannon",
        "Divergence",
        "How distance from the reference is counted; short: rkl, fkl, js, alpha=0.6.",
        choices=("jensen_shannon", "reverse_kl", "forward_kl", "alpha"),
        free=True,
    )
    beta: float = option(1.0, "Beta", "Strength, in units of the log-ratio's scale.", 0.01, 100, 0.1)
    match_strength: bool = option(
        True,
        "Match strength",
        "Divide beta by f''(1), so that every divergence starts as strong as reverse KL. Off, Jensen-Shannon begins at "
        "half strength, as in a plain comparison at equal beta.",
    )
    scale: float = scale_option(": it decides how much the divergence matters.")
    safeguard: bool = safeguard_option(False)


def loss(settings: Settings) -> Loss:
    own = settings.own
    divergence = parse_divergence(own.divergence)
    beta = matched_beta(divergence, own.beta) if own.match_strength else own.beta
    return PairLoss(Sigmoid(beta), divergence, own.scale, settings.penalties, settings.safeguard)


METHOD = Method(
    name="f_dpo",
    title="f-divergence DPO",
    summary="Diffusion-DPO with a choice of how to measure the distance from the base. Jensen-Shannon stops rewarding a "
    "winner that is likely already; forward KL pushes hardest against losers.",
    paper="Sun et al., Generalizing Alignment Paradigm of Text-to-Image Generation with Preferences through "
    "f-divergence Minimization",
    venue="AAAI 2025",
    arxiv="2409.09774",
    data="pairs",
    options=Options,
    loss=loss,
    published_steps=2000,
    embedded_steps=150,
    published={"empty_prompts": 0.2},
)
