"""Factor diversity of the background's gradient alone."""

from __future__ import annotations

from t2ialign.metrics.factor_diversity import of_group

METRIC = of_group("gradient", "How much the light across the background differs from seed to seed.")
