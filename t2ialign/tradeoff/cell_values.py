"""Values of many metrics on every prompt of every config of one benchmark set, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from t2ialign.types import GenerationConfig, Metric


@dataclass(frozen=True, eq=False)  # itself alone, so that what is worked out of it can be remembered
class CellValues:
    """``values``: a metric, a config, a prompt; NaN where it was not scored.

    ``share_seeds``: some seed belongs to several prompts of the set, so that what counts prompts alone promises too much.
    """

    metrics: tuple[Metric, ...]
    configs: tuple[GenerationConfig, ...]
    prompts: tuple[str, ...]
    values: Float[np.ndarray, "m c p"]
    share_seeds: bool = False

    def of(self, metric: str) -> Float[np.ndarray, "c p"]:
        """One metric's values."""
        found: Float[np.ndarray, "c p"] = self.values[[one.name for one in self.metrics].index(metric)]
        return found

    def whole(self, *names: str) -> CellValues:
        """The configs that have all of these metrics on the most prompts that any config has, and those prompts alone."""
        wanted = [one.name for one in self.metrics if one.name in names or not names]
        known = np.isfinite(np.stack([self.of(name) for name in wanted])).all(0)
        counts = known.sum(1)
        kept = np.flatnonzero((counts == counts.max()) & (counts > 0)) if counts.size else counts
        columns = np.flatnonzero(known[kept].all(0)) if len(kept) else np.array([], dtype=int)
        return CellValues(
            tuple(one for one in self.metrics if one.name in wanted),
            tuple(self.configs[row] for row in kept),
            tuple(self.prompts[column] for column in columns),
            np.stack([self.of(name)[np.ix_(kept, columns)] for name in wanted]),
            self.share_seeds,
        )

    def mean(self, metric: Metric) -> Float[np.ndarray, " c"]:
        """Each config's mean over its known prompts, taken where the metric is averaged."""
        means: Float[np.ndarray, " c"] = averaged(metric, self.of(metric.name), np.ones((1, len(self.prompts))))[0]
        return means


def averaged(
    metric: Metric, values: Float[np.ndarray, "c p"], weights: Float[np.ndarray, "r p"]
) -> Float[np.ndarray, "r c"]:
    """Weighted means over the known prompts; effective numbers are averaged as their inverses, and turned again."""
    turned = finished(metric, values)
    known = np.isfinite(turned)
    with np.errstate(invalid="ignore", divide="ignore"):
        counts = weights.sum(1, keepdims=True) if known.all() else weights @ known.T  # whole numbers: exact either way
        means: np.ndarray = weights @ np.ascontiguousarray(np.where(known, turned, 0.0).T) / counts
    return finished(metric, means)


def finished(metric: Metric, values: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Values in the unit before ``Metric.finish``, or means of those in the metric's own: it is its own inverse."""
    found: Float[np.ndarray, "*any"] = values if metric.finish is None else metric.finish(values)
    return found
