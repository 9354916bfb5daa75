"""Factor diversity of the background's colour alone."""

from __future__ import annotations

from t2ialign.metrics.factor_diversity import of_group

METRIC = of_group("background", "How much the colour of the background differs from seed to seed.")
