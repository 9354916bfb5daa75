"""CLIPScore in torchmetrics' scale: 100 max(cos, 0), without a prefix."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def clip_score_100(features: Features) -> Float[Tensor, " n"]:
    """From L2-normalised ``clip_image`` [n d] and ``clip_text`` [d]."""
    cosine = features["clip_image"] @ features["clip_text"]
    return 100 * cosine.clamp_min(0)


METRIC = Metric(
    name="clip_score_100",
    title="CLIPScore x 100",
    axis="alignment",
    level="image",
    needs=("clip_image", "clip_text"),
    compute=clip_score_100,
    bounds=(0.0, 100.0),
    higher_is_better=True,
    unit="100 cosine",
    reference="Hessel et al. 2021, as torchmetrics scales it",
    summary="How close the picture and the prompt lie in CLIP's shared space, in percent.",
    caveat="Sees which things are there better than which attribute belongs to which thing.",
)
