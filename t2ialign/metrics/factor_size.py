"""Factor diversity of size alone, of the objects whose size the prompt does not name."""

from __future__ import annotations

from t2ialign.metrics.factor_diversity import of_group

METRIC = of_group("size", "How much the size of the objects differs from seed to seed, where the prompt names none.")
