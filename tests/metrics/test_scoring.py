from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from benchmarks.coverage import embedded, jackknifed, vendi
from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import (
    FEWEST,
    batch_interval,
    mean_interval,
    pair_effects,
    pair_interval,
    pair_mean,
    score_features,
    seed_effects,
    told,
    version_of,
)
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


def test_a_bounded_mean_has_wilsons_interval():
    """Of zeros and ones it is the score interval of a proportion, with Student's quantile for the normal one."""
    values = torch.tensor([1.0] * 13 + [0.0] * 3)
    found = mean_interval(values, (0.0, 1.0))
    alpha = 2 * stats.norm.sf(stats.t.ppf(0.975, 15))
    # the sample variance of zeros and ones is n / (n - 1) p (1 - p): as many answers as one less than there are
    assert (found.lo, found.hi) == pytest.approx(
        proportion_confint(13 / 16 * 15, 15, alpha=alpha, method="wilson"), abs=1e-9
    )


def test_sixteen_of_sixteen_do_not_promise_the_seventeenth():
    ones = torch.ones(16)
    found = mean_interval(ones, (0.0, 1.0))
    assert found.hi == 1 and 0.75 < found.lo < 0.85
    turned = mean_interval(1 - ones, (0.0, 1.0))
    assert (turned.lo, turned.hi) == pytest.approx((0, 1 - found.lo))


def test_bounds_far_away_change_nothing():
    values = torch.tensor([0.3, 0.31, 0.29, 0.33, 0.28], dtype=torch.float64)
    near, free = mean_interval(values, (-1e6, 1e6)), mean_interval(values)
    assert (near.lo, near.hi) == pytest.approx((free.lo, free.hi), abs=1e-6)


def test_what_does_not_vary_has_no_ends():
    assert math.isnan(mean_interval(torch.full((16,), 0.5)).lo)
    assert math.isnan(mean_interval(torch.full((16,), 0.5), (0.0, 1.0)).lo)
    assert math.isnan(pair_interval(torch.full((16, 16), 0.4)).lo)
    assert pair_interval(torch.full((16, 16), 0.4, dtype=torch.float64)).mean == pytest.approx(0.4)


def test_pair_effects_of_sums_are_the_deviations_from_the_mean():
    """For the kernel (x_i + x_j) / 2 the U-statistic is the sample mean, and a seed moves it by its own deviation."""
    x = torch.tensor([0.3, 0.9, 0.4, 0.7, 0.55], dtype=torch.float64)
    assert pair_effects((x[:, None] + x[None]) / 2).tolist() == pytest.approx((x - x.mean()).tolist())


def test_a_pair_interval_is_never_shorter_than_the_jackknifes():
    for seed in range(20):
        x = torch.rand(32, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        found, jackknife = pair_interval((x[:, None] + x[None]) / 2), mean_interval(x)
        assert found.mean == pytest.approx(jackknife.mean)
        assert found.lo <= jackknife.lo + 1e-12 and found.hi >= jackknife.hi - 1e-12


def test_two_even_clusters_of_eight():
    """Pictures, as many of each of two kinds: every seed is as typical as the other, the jackknife sees no error at all
    (its effects are all zero), while drawing 32 such pictures anew gives 16 : 16 in 14 % of cases only."""
    kinds = torch.arange(2).repeat_interleave(16)
    pairs = (kinds[:, None] != kinds[None]).double()
    assert pair_effects(pairs).abs().max() < 1e-12
    found = pair_interval(pairs)
    assert found.lo <= 2 * 11 * 21 / (32 * 31)  # eleven or fewer of one kind come in one set of nine
    assert found.hi >= 2 * 16 * 16 / (32 * 31)


def clusters(shares: list[float], n: int, sets: int, seed: int = 0) -> torch.Tensor:
    """Distances within ``sets`` sets of n pictures of tight kinds that are 1 apart, [sets, n, n]."""
    chance = torch.Generator().manual_seed(seed)
    kinds = torch.multinomial(torch.tensor(shares), sets * n, replacement=True, generator=chance).reshape(sets, n)
    noise = 0.05 * torch.rand(sets, n, n, generator=chance, dtype=torch.float64)
    return (kinds[:, :, None] != kinds[:, None]).double() + noise + noise.transpose(1, 2)


def coverage(shares: list[float], n: int, sets: int) -> float:
    truth = 1 - sum(share**2 for share in shares) + 0.05
    found = [pair_interval(pairs) for pairs in clusters(shares, n, sets)]
    return float(np.mean([one.lo <= truth <= one.hi for one in found]))


def test_intervals_hold_on_two_unequal_clusters():
    assert coverage([0.7, 0.3], 32, 100) >= 0.91  # the jackknife alone: 0.87


@pytest.mark.slow
@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.7, 0.3], [0.8, 0.2], [0.9, 0.1], [0.6, 0.3, 0.1], [0.125] * 8])
def test_intervals_hold_from_as_many_seeds_as_have_ends(shares: list[float]):
    """95 % less three standard errors of 1000 sets, and half a percent that 80 : 20 lacks."""
    assert coverage(shares, FEWEST["pair"], 1000) >= 0.924


@pytest.mark.slow
@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.8, 0.2], [0.9, 0.1]])
def test_the_jackknife_of_vendi_holds_its_mean(shares: list[float]):
    """Of 48 pictures; 95 % less three standard errors of 200 sets, and of 90 : 10 a little less than stated (93 %)."""
    chance = torch.Generator().manual_seed(0)
    truth = np.mean([vendi(embedded(shares, 48, chance)) for _ in range(2000)])
    found = [jackknifed(embedded(shares, 48, chance)) for _ in range(200)]
    assert np.mean([one.lo <= truth <= one.hi for one in found]) >= (0.88 if min(shares) < 0.2 else 0.904)


def test_ends_of_fewer_seeds_are_not_told_whoever_computed_them():
    for level, n in FEWEST.items():
        assert told(level, n, 0.1, 0.2) == (0.1, 0.2)
        assert all(math.isnan(end) for end in told(level, n - 1, 0.1, 0.2))


@pytest.mark.slow
def test_pair_interval_covers_as_it_says():
    """The variance as a U-statistic, (x_i - x_j)^2 / 2, of 32 normal draws: skewed, so a little below 95 %."""
    draws = torch.randn(600, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = [pair_interval((x[:, None] - x[None]) ** 2 / 2) for x in draws]
    assert [interval.mean for interval in found[:3]] == pytest.approx(draws[:3].var(1).tolist())
    covered = np.mean([interval.lo <= 1 <= interval.hi for interval in found])
    assert 0.90 < covered < 0.97


@given(n=st.integers(3, 9), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_pair_effects_equal_leaving_seeds_out_by_hand(n: int, seed: int):
    pairs = torch.rand(n, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    pairs = pairs + pairs.T
    left_out = np.array(
        [pair_mean(pairs[kept][:, kept]) for kept in ([j for j in range(n) if j != i] for i in range(n))]
    )
    assert pair_effects(pairs).tolist() == pytest.approx(((n - 1) * (left_out.mean() - left_out)).tolist())


@pytest.mark.parametrize("level", ["pair", "batch"])
def test_too_few_seeds_have_a_value_and_no_ends(level: str):
    n = FEWEST[level] - 1
    pairs = torch.rand(n, n, generator=torch.Generator().manual_seed(0))
    found = pair_interval(pairs) if level == "pair" else batch_interval(2.0, n, lambda seed: 2.0 + seed)
    assert math.isfinite(found.mean) and math.isnan(found.lo) and math.isnan(found.hi)


def test_unread_pairs_are_left_out():
    pairs = torch.tensor([[0, 1, math.nan], [1, 0, 3], [math.nan, 3, 0.0]])
    assert pair_interval(pairs).mean == 2
    assert math.isnan(pair_interval(torch.full((3, 3), math.nan)).mean)


def test_diagonal_is_ignored():
    pairs = torch.rand(5, 5)
    assert pair_interval(pairs) == pair_interval(pairs.fill_diagonal_(99))


def test_finish_turns_the_mean_not_the_pairs():
    x = torch.rand(32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    pairs = 0.1 + (x[:, None] - x[None]).abs()
    plain, finished = pair_interval(pairs), pair_interval(pairs, lambda u: 1 / u if u > 0 else math.inf)
    assert finished.mean == pytest.approx(1 / plain.mean)
    assert finished.lo == pytest.approx(1 / plain.hi)
    assert finished.hi == (math.inf if plain.lo <= 0 else pytest.approx(1 / plain.lo))


def test_interval_stays_within_the_bounds():
    x = torch.zeros(32, dtype=torch.float64)
    x[0] = 1.0
    score = score_features(METRICS["lpips"], {"lpips": x[:, None]})
    assert score.lo == 0.0 and pair_interval(score.values).lo < 0


def test_batch_metric_is_jackknifed_by_computing_it_again():
    """The range of a column as a batch metric: leaving out a seed changes it only where that seed was an end."""
    record = replace(METRICS["clip_score"], level="batch", needs=("x",), bounds=(-99.0, 99.0), finish=None)
    record = replace(record, compute=lambda features: features["x"].max() - features["x"].min())
    score = score_features(record, {"x": torch.tensor([0.0, 1.0, 5.0, 9.0] + 44 * [3.0])})
    left_out = np.array([8, 5] + 46 * [9])
    error = math.sqrt(47 / 48 * np.sum((left_out - left_out.mean()) ** 2))
    assert score.mean == 9
    assert score.lo == pytest.approx(9 - stats.t.ppf(0.975, 47) * error)
    assert score.values.tolist() == [9]
    by_seed = score_features(replace(record, by_seed=True), {"x": torch.tensor([0.0, 1.0, 5.0, 9.0] + 44 * [3.0])})
    assert by_seed.values[0] == 9 and (by_seed.lo, by_seed.hi) == (score.lo, score.hi)
    effects = seed_effects(by_seed, range(48))
    assert sorted(effects.values()) == pytest.approx(sorted((47 * (left_out.mean() - left_out)).tolist()), abs=1e-5)


def test_version_holds_metric_and_weights():
    metric = METRICS["clip_score"]
    assert version_of(metric) == "1"
    assert version_of(metric, ["b:2", "a:1", "b:2"]) == "1+a:1+b:2"
    assert score_features(metric, random_features(3), ["a:1"]).version == "1+a:1"
