"""The value of a set of measured pictures is what measuring that set gives."""

from __future__ import annotations

import math

import pytest

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import score_features
from t2ialign.metrics.subsets import measure
from t2ialign.types import Metric
from tests.metrics.features import random_features, take

ALL = list(METRICS.values())


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
@pytest.mark.parametrize("rows", [[4, 1, 6], [0, 0, 3, 3], [2, 5]], ids=["three", "copies", "two"])
def test_a_subset_is_worth_what_measuring_it_gives(metric: Metric, rows: list[int]) -> None:
    features = random_features(7)
    expected = score_features(metric, take(features, rows)).mean
    assert measure(metric, features).of(rows) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_one_picture_has_no_pair() -> None:
    assert math.isnan(measure(METRICS["lpips"], random_features(3)).of([1]))
