"""Vendi score on DreamSim embeddings."""

from __future__ import annotations

from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics import vendi
from t2ialign.metrics.dreamsim_diversity import dreamsim_rows
from t2ialign.types import Features


def vendi_dreamsim(features: Features) -> Float[Tensor, ""]:
    """Order 1 on ``dreamsim``."""
    return vendi.hill_number(vendi.cosine_kernel(dreamsim_rows(features)), 1)


METRIC = replace(
    vendi.METRIC, name="vendi_dreamsim", title="Vendi score (DreamSim)", needs=("dreamsim",), compute=vendi_dreamsim
)
