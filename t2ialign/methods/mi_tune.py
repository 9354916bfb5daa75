"""MI-TUNE: fine-tune on the model's own pictures that share most information with their prompt (Wang et al., alg. 1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Selection, Settings
from t2ialign.source import Source
from t2ialign.training.losses import DenoisingLoss, Loss
from t2ialign.training.selection import top_k


@dataclass(frozen=True)
class Options:
    top_k: int = option(
        1, "Pictures kept a prompt", "The best so many of each prompt's pictures are learnt from.", 1, 512, 1
    )
    rounds: int = option(
        1, "Rounds", "Each further round samples its pictures from what the last one trained, and trains on.", 1, 10, 1
    )
    measure: str = option(
        "mutual_information",
        "Chosen by",
        "What ranks a prompt's pictures: mutual information needs no scorer; any metric of single pictures will do.",
        choices=("mutual_information", "mutual_information_released", "hps_v21", "clip_score"),
        free=True,
    )
    real_share: float = option(
        0.0, "Share of given pictures", "So much of the set is replaced by pictures:FOLDER.", 0, 1, 0.05
    )


def loss(settings: Settings) -> Loss:
    return DenoisingLoss(settings.penalties)


def selection(settings: Settings) -> Selection:
    own = settings.own
    return Selection(own.measure, partial(top_k, k=own.top_k), own.real_share)


METHOD = Method(
    name="mi_tune",
    title="MI-TUNE",
    summary="Needs nobody's opinion: the model draws many pictures of each prompt, keeps those that carry most information "
    "about it, and learns from them. Pictures follow their prompts more closely; more rounds, less variety.",
    paper="Wang et al., Information Theoretic Text-to-Image Alignment",
    venue="ICLR 2025",
    arxiv="2405.20759",
    data="selected",
    options=Options,
    loss=loss,
    published_steps=300,
    embedded_steps=150,
    source=Source(),
    published={
        "learning_rate": 1e-4,
        "batch_size": 400,
        "accumulate": 50,
        "adapter": "dora",
        "rank": 32,
        "timestep_lo": 500,
        "candidates": 50,
    },
    embedded={"learning_rate": 1e-3, "batch_size": 16, "rank": 8, "candidates": 16, "prompt_count": 48},
    hidden=frozenset({"pairing", "best_worst", "pairs_per_prompt"}),
    selection=selection,
)
