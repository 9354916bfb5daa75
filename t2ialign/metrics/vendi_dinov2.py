"""Vendi score on DINOv2 embeddings."""

from __future__ import annotations

from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics import vendi
from t2ialign.metrics.dinov2_diversity import dinov2_rows
from t2ialign.types import Features


def vendi_dinov2(features: Features) -> Float[Tensor, ""]:
    """Order 1 on ``dinov2``."""
    return vendi.hill_number(vendi.cosine_kernel(dinov2_rows(features)), 1)


METRIC = replace(
    vendi.METRIC, name="vendi_dinov2", title="Vendi score (DINOv2)", needs=("dinov2",), compute=vendi_dinov2
)
