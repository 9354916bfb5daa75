"""What every metric on the menu promises, whatever it measures."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.pairwise import begin, extend
from t2ialign.metrics.scoring import FEWEST, score_features
from t2ialign.types import Metric
from tests.metrics.features import random_features, take

ALL = list(METRICS.values())
PAIR = [metric for metric in ALL if metric.level == "pair"]
N = 16


def named(metric: Metric) -> str:
    return metric.name


@pytest.mark.parametrize("metric", ALL, ids=named)
def test_record_says_all_that_a_chart_needs(metric: Metric):
    assert metric.bounds[0] < metric.bounds[1]
    assert all((metric.title, metric.unit, metric.reference, metric.summary, metric.version, metric.needs))
    assert metric.summary.endswith(".")
    assert not metric.caveat or metric.caveat.endswith(".")


@pytest.mark.parametrize("metric", ALL, ids=named)
def test_shape_finite_bounds(metric: Metric):
    n = max(N, FEWEST[metric.level])
    score = score_features(metric, random_features(n), ["encoder:abc"])
    assert score.values.shape == {"image": (n,), "pair": (n, n), "batch": (1 + n * metric.by_seed,)}[metric.level]
    assert score.values.is_floating_point()
    assert torch.isfinite(score.values).all()
    assert metric.bounds[0] <= score.mean <= metric.bounds[1]
    assert metric.bounds[0] <= score.lo <= score.mean <= score.hi <= metric.bounds[1]
    assert score.version == f"{metric.version}+encoder:abc"


@pytest.mark.parametrize("metric", ALL, ids=named)
def test_order_of_seeds_does_not_matter(metric: Metric):
    features, order = random_features(N), torch.randperm(N, generator=torch.Generator().manual_seed(0)).tolist()
    plain, shuffled = score_features(metric, features), score_features(metric, take(features, order))
    assert shuffled.mean == pytest.approx(plain.mean, rel=1e-5)
    assert shuffled.hi == pytest.approx(plain.hi, rel=1e-4, nan_ok=True)
    if metric.level == "image":
        torch.testing.assert_close(shuffled.values, plain.values[order])
    if metric.level == "pair":
        torch.testing.assert_close(shuffled.values, plain.values[order][:, order], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("metric", ALL, ids=named)
def test_absent_features_score_nan(metric: Metric):
    score = score_features(metric, {"something_else": torch.zeros(N)})
    assert all(math.isnan(value) for value in (score.mean, score.lo, score.hi))


@pytest.mark.parametrize("metric", ALL, ids=named)
def test_one_picture(metric: Metric):
    score = score_features(metric, take(random_features(N), [2]))
    assert math.isnan(score.lo)
    assert math.isnan(score.hi)
    if metric.level == "image":
        assert score.mean == pytest.approx(float(score.values[0]))
    if metric.level == "pair":
        assert math.isnan(score.mean)


@pytest.mark.parametrize("metric", ALL, ids=named)
def test_two_pictures(metric: Metric):
    score = score_features(metric, take(random_features(N), [1, 4]))
    assert metric.bounds[0] <= score.mean <= metric.bounds[1]


@pytest.mark.parametrize("metric", [metric for metric in ALL if "images" in metric.needs], ids=named)
def test_constant_pictures_are_measured(metric: Metric):
    """One black, one grey, one white: nothing to see, and still a number within the bounds."""
    images = torch.stack([torch.full((3, 24, 20), value, dtype=torch.uint8) for value in (0, 128, 255)])
    score = score_features(metric, {"images": images})
    assert metric.bounds[0] - 1e-6 <= score.mean <= metric.bounds[1] + 1e-6


@pytest.mark.parametrize("metric", PAIR, ids=named)
def test_pairs_are_symmetric(metric: Metric):
    pairs = metric.compute(random_features(N))
    assert torch.equal(pairs, pairs.T)


@pytest.mark.parametrize("metric", PAIR, ids=named)
def test_copies_of_one_picture_have_no_diversity(metric: Metric):
    score = score_features(metric, take(random_features(N), [3] * 5))
    none = metric.bounds[0 if metric.higher_is_better else 1]
    assert score.mean == pytest.approx(none, abs=1e-5)


@pytest.mark.parametrize("metric", PAIR, ids=named)
def test_copies_among_different_pictures_lower_diversity(metric: Metric):
    features = random_features(N)
    indices = [0, 1, 2, 3], [0, 0, 1, 1, 2, 2, 3, 3]
    different, copied = (score_features(metric, take(features, index)).mean for index in indices)
    assert (copied < different) == metric.higher_is_better


@pytest.mark.parametrize("metric", PAIR, ids=named)
@pytest.mark.parametrize("added", [1, 3])
def test_a_growing_set_equals_the_whole(metric: Metric, added: int):
    features, first = random_features(N), list(range(N - added))
    state = begin(metric.compute, take(features, first))
    grown = extend(metric.compute, state, take(features, list(range(N - added, N))))
    torch.testing.assert_close(grown.matrix, metric.compute(features), rtol=1e-5, atol=1e-6)
