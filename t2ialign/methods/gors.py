"""GORS: fine-tune on the model's own pictures of high reward, weighted by it (Huang et al.; Karine-Huang/T2I-CompBench)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from jaxtyping import Float
from torch import Tensor

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Selection, Settings
from t2ialign.source import Source
from t2ialign.training.losses import DenoisingLoss, Loss
from t2ialign.training.selection import above
from t2ialign.types import Example, InputError, SeedBatch


@dataclass(frozen=True)
class Options:
    reward: str = option(
        "blip_vqa",
        "Reward",
        "A metric of single pictures from 0 up; empty for the backbone's own alignment metric.",
        choices=("blip_vqa", "clip_score", "vqa_score"),
        free=True,
        embedded="",
    )
    threshold: float = option(
        0.92, "Threshold", "Only pictures whose reward is higher are learnt from.", 0, 1000, 0.01, embedded=0.9
    )


def loss(settings: Settings) -> Loss:
    return DenoisingLoss(settings.penalties)


def selection(settings: Settings) -> Selection:
    own = settings.own
    choose = partial(_chosen, threshold=own.threshold)
    nothing = f"no picture's reward exceeds {own.threshold:g}; lower the threshold, or sample more pictures a prompt"
    return Selection(own.reward, choose, nothing=nothing)


def _chosen(batch: SeedBatch, rewards: Float[Tensor, " n"], threshold: float) -> list[Example]:
    if bool((rewards < 0).any()):
        raise InputError(
            "GORS weighs pictures by their reward, and this one is below 0 for some: choose another metric."
        )
    return above(batch, rewards, threshold)


METHOD = Method(
    name="gors",
    title="GORS",
    summary="The model draws pictures, a metric marks them, and it learns from those with high marks, the better the more. "
    "Simple and steady; it learns to please the metric.",
    paper="Huang et al., T2I-CompBench: A Comprehensive Benchmark for Open-world Compositional Text-to-image Generation",
    venue="NeurIPS 2023",
    arxiv="2307.06350",
    data="selected",
    options=Options,
    loss=loss,
    published_steps=15_000,
    embedded_steps=150,
    source=Source(),
    published={"learning_rate": 1e-4, "batch_size": 16, "rank": 4},
    embedded={"learning_rate": 1e-3, "rank": 8},
    hidden=frozenset({"pairing", "best_worst", "pairs_per_prompt"}),
    selection=selection,
)
