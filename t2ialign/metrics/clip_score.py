"""CLIPScore as a raw cosine (Hessel et al. 2021 without its factor 2.5 and prefix; the DPO family's convention)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def clip_score(features: Features) -> Float[Tensor, " n"]:
    """cos(image, prompt) for L2-normalised ``clip_image`` [n d] and ``clip_text`` [d]."""
    return features["clip_image"] @ features["clip_text"]


METRIC = Metric(
    name="clip_score",
    title="CLIPScore",
    axis="alignment",
    level="image",
    needs=("clip_image", "clip_text"),
    compute=clip_score,
    bounds=(-1.0, 1.0),
    higher_is_better=True,
    unit="cosine",
    reference="Hessel et al. 2021, CLIPScore, eq. 1 (raw cosine)",
    summary="How close the picture and the prompt lie in CLIP's shared space.",
    caveat="Sees which things are there better than which attribute belongs to which thing.",
)
