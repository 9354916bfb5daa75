"""How scores are distributed by a picture's rank within its prompt: MI-TUNE's appendix J (Wang et al., ICLR 2025).

The judge (mutual information in the paper) ranks every prompt's n pictures: 1 is its highest. Over prompts, the pictures of
one rank have a distribution of any other score. Where judge and score agree, the curves shift with the rank; where they say
nothing of each other, the curves lie on each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from t2ialign.tradeoff.interval import estimate
from t2ialign.types import GenerationConfig, Interval, Metric

MOST_SHARES = 101  # points of a curve
FEWEST_PROMPTS = 5


@dataclass(frozen=True)
class RankCurves:
    """``curves``: of each rank, best first, the score at each of ``shares`` of its prompts (an inverted distribution).

    ``means``: each rank's mean over ``prompts``. ``gap``: the first rank's score less the last one's, paired by prompt, so that
    the prompts' difficulty drops out.
    """

    judge: str
    metric: str
    shares: tuple[float, ...]
    curves: tuple[tuple[float, ...], ...]
    means: tuple[Interval, ...]
    gap: Interval
    prompts: int
    config: GenerationConfig

    @property
    def pictures(self) -> int:
        """How many pictures a prompt has."""
        return len(self.curves)


def rank_curves(
    judge: Metric, metric: Metric, prompts: Sequence[Mapping[str, Float[np.ndarray, " _"]]], config: GenerationConfig
) -> RankCurves | None:
    """From each prompt's values by metric, in the order of its seeds; equal marks keep that order.

    Only prompts with the usual number of pictures take part. None where five prompts with two pictures are not there.
    """
    known = [one for one in prompts if judge.name in one and metric.name in one]
    sizes = Counter(len(one[judge.name]) for one in known)
    size = max(sizes, key=lambda n: (sizes[n], n), default=0)
    if size < 2 or sizes[size] < FEWEST_PROMPTS:
        return None
    pairs = [(one[judge.name], one[metric.name]) for one in known if len(one[judge.name]) == size]
    marks, scores = (np.stack(side) for side in zip(*pairs))
    order = (-marks if judge.higher_is_better else marks).argsort(1, kind="stable")
    ranked = np.take_along_axis(scores, order, 1)
    shares = np.linspace(0, 1, min(len(ranked), MOST_SHARES) + 1)[1:]
    curves = np.quantile(ranked, shares, axis=0, method="inverted_cdf").T
    return RankCurves(
        judge.name,
        metric.name,
        tuple(shares.tolist()),
        tuple(map(tuple, curves.tolist())),
        tuple(estimate(column.tolist()).interval for column in ranked.T),
        estimate((ranked[:, 0] - ranked[:, -1]).tolist()).interval,
        len(ranked),
        config,
    )
