"""U-RKE on DINOv2 embeddings: the effective number of different pictures, unbiased in small sets."""

from __future__ import annotations

from dataclasses import replace

from t2ialign.metrics import u_rke
from t2ialign.metrics.dinov2_diversity import dinov2_rows
from t2ialign.metrics.pairwise import Gram

METRIC = replace(
    u_rke.METRIC,
    name="u_rke_dinov2",
    title="Effective number of pictures (U-RKE, DINOv2)",
    needs=("dinov2",),
    compute=Gram(dinov2_rows, u_rke.squared_cosine),
)
