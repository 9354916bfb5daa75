"""U-RKE on DreamSim embeddings: the effective number of different pictures, unbiased in small sets."""

from __future__ import annotations

from dataclasses import replace

from t2ialign.metrics import u_rke
from t2ialign.metrics.dreamsim_diversity import dreamsim_rows
from t2ialign.metrics.pairwise import Gram

METRIC = replace(
    u_rke.METRIC,
    name="u_rke_dreamsim",
    title="Effective number of pictures (U-RKE, DreamSim)",
    needs=("dreamsim",),
    compute=Gram(dreamsim_rows, u_rke.squared_cosine),
)
