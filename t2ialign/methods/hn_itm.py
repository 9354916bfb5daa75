"""HN-ITM: fine-tuning with hard negatives (Krojer et al.; McGill-NLP/diffusion-itm), the loser being the negative picture.

The published data are COCO's hard negatives: a wrong picture, or a wrong caption, of each example. Here a pair's loser is the
wrong picture of its prompt. Wrong captions are not built: a preference is two pictures of one prompt in every source, file and
loss, and a wrong caption makes it one picture of two prompts.
"""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.methods.controls import option
from t2ialign.methods.method import Method, Settings
from t2ialign.training.losses import HardNegativeLoss, Loss


@dataclass(frozen=True)
class Options:
    factor: float = option(
        1.0, "Bound", "A loser whose error is above this times the winner's is pushed no further.", 0.1, 10, 0.1
    )


def loss(settings: Settings) -> Loss:
    return HardNegativeLoss(settings.own.factor, settings.penalties)


METHOD = Method(
    name="hn_itm",
    title="HN-ITM",
    summary="Fine-tuning on the preferred picture, pushed away from the other one while that still fits the prompt as well. "
    "There is no reference, so nothing but the bound holds it.",
    paper="Krojer et al., Are Diffusion Models Vision-And-Language Reasoners?",
    venue="NeurIPS 2023",
    arxiv="2305.16397",
    data="pairs",
    options=Options,
    loss=loss,
    published_steps=2000,
    embedded_steps=150,
    published={"learning_rate": 1e-4},
    embedded={"learning_rate": 1e-3},
)
