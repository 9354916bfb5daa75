"""The value of any set of measured pictures, read off one measurement of all of them.

An image metric is measured once a picture and a pair metric once a pair; only a metric of the whole batch is computed
anew for every set. A set may hold a picture several times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.scoring import pair_mean
from t2ialign.types import Features, Metric


@dataclass(frozen=True)
class MeasuredPictures:
    """A metric on ``n`` pictures: ``values`` [n] or [n n] (on the diagonal a picture with itself), or batch features."""

    metric: Metric
    values: Float[Tensor, "*m"]
    features: Features

    def of(self, rows: Sequence[int] | Tensor) -> float:
        """The metric's value, in its own unit, on the set of these pictures; NaN where it has none."""
        index = torch.as_tensor(rows, dtype=torch.long)
        if self.metric.level == "image":
            return float(self.values[index].double().nanmean())
        if self.metric.level == "pair":
            mean = pair_mean(self.values[index][:, index])
            return mean if self.metric.finish is None or mean != mean else self.metric.finish(mean)
        return float(self.metric.compute({name: self.features[name][index] for name in self.metric.needs}))


def measure(metric: Metric, features: Features) -> MeasuredPictures:
    """Measures all pictures once. ``features`` must hold what the metric needs."""
    if metric.level == "batch":
        return MeasuredPictures(metric, torch.empty(0), {name: features[name] for name in metric.needs})
    return MeasuredPictures(metric, metric.compute(features), {})
