"""Factor diversity of place alone: each object's, or under a named relation the pair's middle and distance."""

from __future__ import annotations

from t2ialign.metrics.factor_diversity import of_group

METRIC = of_group(
    "place", "How much it differs from seed to seed where the objects stand, within what the prompt says."
)
