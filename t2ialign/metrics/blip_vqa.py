"""BLIP-VQA (T2I-CompBench, Huang et al. 2023): the product over noun phrases of the share of yes."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def blip_vqa(features: Features) -> Float[Tensor, " n"]:
    """The product as ``encoders.blip_vqa`` found it."""
    return features["blip_vqa"]


METRIC = Metric(
    name="blip_vqa",
    title="BLIP-VQA",
    axis="alignment",
    level="image",
    needs=("blip_vqa",),
    compute=blip_vqa,
    bounds=(0.0, 1.0),
    higher_is_better=True,
    unit="product of yes shares",
    reference="Huang et al. 2023, T2I-CompBench, sec. 4.1",
    summary="Whether every thing that the prompt names is there, each asked for on its own.",
    caveat="Blind to relations; phrases are cut by rule, not by spaCy as in the original.",
)
