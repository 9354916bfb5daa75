from __future__ import annotations

import math

import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.factor_diversity import ENTRIES
from t2ialign.metrics.scoring import score_features

METRIC = METRICS["factor_diversity_faithful"]


def features(faithful: list[int]) -> dict[str, torch.Tensor]:
    """Four pictures whose background stands at 0, 1, 3 and 90; nothing else is left open."""
    found = {entry: torch.zeros(4, 0, 1) for entry in ENTRIES}
    found["factors_background"] = torch.tensor([0.0, 1, 3, 90])[:, None, None]
    return found | {"faithful": torch.tensor(faithful).float()}


@pytest.mark.parametrize(
    ("faithful", "mean"),
    [([1, 1, 1, 1], (1 + 3 + 2 + 90 + 89 + 87) / 6), ([1, 1, 1, 0], (1 + 3 + 2) / 3), ([0, 1, 1, 0], 2)],
)
def test_only_faithful_pictures_count(faithful: list[int], mean: float):
    assert score_features(METRIC, features(faithful)).mean == pytest.approx(mean)


@pytest.mark.parametrize("faithful", [[0, 0, 0, 0], [0, 0, 1, 0]])
def test_too_few_are_no_number(faithful: list[int]):
    score = score_features(METRIC, features(faithful))
    assert math.isnan(score.mean) and math.isnan(score.lo)


def test_two_are_a_number_without_an_interval():
    score = score_features(METRIC, features([1, 0, 1, 0]))
    assert score.mean == pytest.approx(3) and math.isnan(score.lo) and math.isnan(score.hi)
