"""PopAlign: whole populations are preferred, not pictures (Li et al.; jacklishufan/PopAlignSDXL).

The paper's preferred population is that of reworded prompts, which name groups of people in equal parts. Here it is the more
varied half of a prompt's own pictures, by any metric of sets; with any other source a pair's winner stands for its population.
"""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.objectives.popalign import PopAlign
from t2ialign.source import Source
from t2ialign.training.losses import Loss, PairLoss


@dataclass(frozen=True)
class Options:
    beta: float = option(5000.0, "Beta", "Strength, on the mean denoising error.", 1, 20_000, 50, embedded=2000.0)


def loss(settings: Settings) -> Loss:
    return PairLoss(PopAlign(), scale=settings.own.beta, penalties=settings.penalties)


METHOD = Method(
    name="popalign",
    title="PopAlign",
    summary="Prefers sets of pictures to sets of pictures: the more varied half of a prompt's own is made likelier, the half "
    "that is more alike less likely. Nothing is said about which single picture is better.",
    paper="Li et al., PopAlign: Population-Level Alignment for Fair Text-to-Image Generation",
    venue="2024",
    arxiv="2406.19668",
    data="pairs",
    options=Options,
    loss=loss,
    source=Source("metric", "factor_diversity"),
    published_steps=750,
    embedded_steps=150,
    published={"learning_rate": 5e-7, "batch_size": 8},
    hidden=frozenset({"pairing", "best_worst", "pairs_per_prompt"}),
)
