from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import batch_interval, mean_interval, pair_interval, score_features, version_of
from tests.metrics.features import random_features


def test_image_interval_equals_scipy():
    values = torch.tensor([0.3, 0.9, 0.4, 0.7, 0.55], dtype=torch.float64)
    found = mean_interval(values)
    lo, hi = stats.ttest_1samp(values.numpy(), 0).confidence_interval(0.95)
    assert (found.mean, found.lo, found.hi) == pytest.approx((values.mean().item(), lo, hi))


def test_unscored_seeds_are_left_out():
    known, some = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, math.nan, 2.0, 4.0])
    assert mean_interval(some) == mean_interval(known)
    assert math.isnan(mean_interval(torch.tensor([math.nan])).mean)


def test_pair_interval_of_sums_is_the_interval_of_a_mean():
    """For the kernel (x_i + x_j) / 2 the U-statistic is the sample mean and its jackknife error is the standard
    error."""
    x = torch.tensor([0.3, 0.9, 0.4, 0.7, 0.55], dtype=torch.float64)
    found, expected = pair_interval((x[:, None] + x[None]) / 2), mean_interval(x)
    assert (found.mean, found.lo, found.hi) == pytest.approx((expected.mean, expected.lo, expected.hi))


def test_pair_interval_covers_as_it_says():
    """The variance as a U-statistic, (x_i - x_j)^2 / 2: 95 % intervals from 12 normal draws cover sigma^2 = 1 near 95
    %."""
    draws = torch.randn(600, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = [pair_interval((x[:, None] - x[None]) ** 2 / 2) for x in draws]
    assert [interval.mean for interval in found[:3]] == pytest.approx(draws[:3].var(1).tolist())
    covered = np.mean([interval.lo <= 1 <= interval.hi for interval in found])
    assert 0.84 < covered < 0.97


@given(n=st.integers(3, 9), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_pair_jackknife_equals_leaving_seeds_out_by_hand(n: int, seed: int):
    pairs = torch.rand(n, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    pairs = pairs + pairs.T

    def mean_of(kept: list[int]) -> float:
        return float(np.mean([pairs[i, j] for i in kept for j in kept if i != j]))

    everyone = list(range(n))
    by_hand = batch_interval(mean_of(everyone), n, lambda seed: mean_of([i for i in everyone if i != seed]))
    found = pair_interval(pairs)
    assert (found.mean, found.lo, found.hi) == pytest.approx((by_hand.mean, by_hand.lo, by_hand.hi))


def test_unread_pairs_are_left_out():
    pairs = torch.tensor([[0, 1, math.nan], [1, 0, 3], [math.nan, 3, 0.0]])
    assert pair_interval(pairs).mean == 2
    assert math.isnan(pair_interval(torch.full((3, 3), math.nan)).mean)


def test_diagonal_is_ignored():
    pairs = torch.rand(5, 5)
    assert pair_interval(pairs) == pair_interval(pairs.fill_diagonal_(99))


def test_finish_turns_the_mean_not_the_pairs():
    pairs = torch.tensor([[0, 0.1, 0.4], [0.1, 0, 0.1], [0.4, 0.1, 0]], dtype=torch.float64)
    plain, finished = pair_interval(pairs), pair_interval(pairs, lambda u: 1 / u if u > 0 else math.inf)
    assert finished.mean == pytest.approx(5)
    assert finished.lo == pytest.approx(1 / plain.hi)
    assert finished.hi == (math.inf if plain.lo <= 0 else pytest.approx(1 / plain.lo))


def test_interval_stays_within_the_bounds():
    claims = torch.tensor([[1.0], [1.0], [1.0], [0.0]])
    score = score_features(METRICS["oracle_alignment"], {"claims": claims})
    assert (score.lo, score.hi) == (0.0, 1.0)
    assert mean_interval(claims[:, 0]).hi > 1


def test_batch_metric_is_jackknifed_by_computing_it_again():
    """The range of a column as a batch metric: leaving out a seed changes it only where that seed was an end."""
    record = replace(METRICS["clip_score"], level="batch", needs=("x",), bounds=(-99.0, 99.0), finish=None)
    record = replace(record, compute=lambda features: features["x"].max() - features["x"].min())
    score = score_features(record, {"x": torch.tensor([0.0, 1.0, 5.0, 9.0])})
    left_out = np.array([8, 9, 9, 5])
    error = math.sqrt(3 / 4 * np.sum((left_out - left_out.mean()) ** 2))
    assert score.mean == 9
    assert score.lo == pytest.approx(9 - stats.t.ppf(0.975, 3) * error)


def test_version_holds_metric_and_weights():
    metric = METRICS["clip_score"]
    assert version_of(metric) == "1"
    assert version_of(metric, ["b:2", "a:1", "b:2"]) == "1+a:1+b:2"
    assert score_features(metric, random_features(3), ["a:1"]).version == "1+a:1"
