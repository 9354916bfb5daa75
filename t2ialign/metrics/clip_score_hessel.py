"""CLIPScore as published (Hessel et al. 2021, eq. 1): 2.5 max(cos, 0) of picture and prefixed prompt."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def clip_score_hessel(features: Features) -> Float[Tensor, " n"]:
    """From L2-normalised ``clip_image`` and ``clip_text_depicts`` [n d], the prompt once a picture."""
    cosine = (features["clip_image"] * features["clip_text_depicts"]).sum(1)
    return 2.5 * cosine.clamp_min(0)


METRIC = Metric(
    name="clip_score_hessel",
    title="CLIPScore (Hessel)",
    axis="alignment",
    level="image",
    needs=("clip_image", "clip_text_depicts"),
    compute=clip_score_hessel,
    bounds=(0.0, 2.5),
    higher_is_better=True,
    unit="2.5 cosine",
    reference="Hessel et al. 2021, CLIPScore, eq. 1",
    summary="How close the picture and the prompt lie in CLIP's shared space, as the paper scales it.",
    caveat="Sees which things are there better than which attribute belongs to which thing. The prefix takes tokens: a prompt "
    "near the text encoder's limit loses its end unsaid, as most of the embedded world's do.",
)
