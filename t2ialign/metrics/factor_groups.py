"""Factor diversity of one group of free factors alone, one row each: a metric's name is ``factor_`` and its group's."""

from __future__ import annotations

from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.factor_diversity import METRIC as ALL_GROUPS
from t2ialign.metrics.factor_diversity import spread
from t2ialign.types import Features, Metric


def _of_group(group: str, definition: str, summary: str) -> Metric:
    entry = f"factors_{group}"

    def compute(features: Features) -> Float[Tensor, ""]:
        return spread(features[entry])

    return replace(
        ALL_GROUPS,
        name=f"factor_{group}",
        title=f"Factor diversity: {group}",
        needs=(entry,),
        compute=compute,
        summary=summary,
        definition=definition,
        version="1",
    )


_ROWS = (
    _of_group(
        "background",
        "Factor diversity of the background's colour alone.",
        "How much the colour of the background differs from seed to seed.",
    ),
    _of_group(
        "gradient",
        "Factor diversity of the background's gradient alone.",
        "How much the light across the background differs from seed to seed.",
    ),
    _of_group(
        "place",
        "Factor diversity of place alone: each object's, or under a named relation the pair's middle and distance.",
        "How much it differs from seed to seed where the objects stand, within what the prompt says.",
    ),
    _of_group(
        "size",
        "Factor diversity of size alone, of the objects whose size the prompt does not name.",
        "How much the size of the objects differs from seed to seed, where the prompt names none.",
    ),
    _of_group(
        "tilt",
        "Factor diversity of tilt alone, of the objects that have one.",
        "How much it differs from seed to seed how the objects are turned.",
    ),
)
GROUPS = {metric.name: metric for metric in _ROWS}
