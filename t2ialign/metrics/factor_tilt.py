"""Factor diversity of tilt alone, of the objects that have one."""

from __future__ import annotations

from t2ialign.metrics.factor_diversity import of_group

METRIC = of_group("tilt", "How much it differs from seed to seed how the objects are turned.")
