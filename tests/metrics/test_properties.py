"""What diversity of a set means, whatever the pictures are: order, copies and mixing, for every metric that can tell."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import pair_mean, score_features
from t2ialign.metrics.subsets import measure
from t2ialign.types import Metric
from tests.metrics.features import random_features, take

SETS = [metric for metric in METRICS.values() if metric.axis == "diversity" and metric.level != "image"]
every_set = pytest.mark.parametrize("metric", SETS, ids=lambda metric: metric.name)
some = settings(max_examples=12, deadline=None)
seeds = st.integers(0, 10_000)


def value(metric: Metric, seed: int, rows: list[int]) -> float:
    """More is more diverse."""
    mean = score_features(metric, take(random_features(8, seed, (16, 13)), rows)).mean
    return mean if metric.higher_is_better else -mean


@every_set
@some
@given(seed=seeds, order=st.permutations(range(8)))
def test_order_does_not_matter(metric: Metric, seed: int, order: list[int]) -> None:
    assert value(metric, seed, order) == pytest.approx(value(metric, seed, list(range(8))), rel=1e-5)


@every_set
@some
@given(seed=seeds, first=st.integers(0, 7), second=st.integers(0, 7))
def test_two_pictures_are_symmetric(metric: Metric, seed: int, first: int, second: int) -> None:
    assert value(metric, seed, [first, second]) == pytest.approx(value(metric, seed, [second, first]), rel=1e-6)


@every_set
@some
@given(seed=seeds, picture=st.integers(0, 7), count=st.integers(2, 6), others=st.sets(st.integers(0, 7), min_size=2))
def test_nothing_is_less_diverse_than_copies(
    metric: Metric, seed: int, picture: int, count: int, others: set[int]
) -> None:
    copies, none = value(metric, seed, [picture] * count), metric.bounds[0 if metric.higher_is_better else 1]
    assert copies == pytest.approx(none if metric.higher_is_better else -none, abs=1e-5)
    assert value(metric, seed, sorted(others)) > copies


@every_set
@some
@given(seed=seeds, rows=st.lists(st.integers(0, 7), min_size=2, max_size=5, unique=True), times=st.integers(2, 3))
def test_every_picture_copied_alike_adds_nothing(metric: Metric, seed: int, rows: list[int], times: int) -> None:
    """Effective numbers of a set stay as they are; means over pairs take the copies in as pairs without a difference."""
    once, copied = value(metric, seed, rows), value(metric, seed, rows * times)
    if metric.level == "batch" and metric.bounds[0] == 1:  # an effective number of pictures
        assert copied == pytest.approx(once, rel=1e-4)
    else:
        assert copied < once


@every_set
@some
@given(seed=seeds, n=st.integers(3, 6))
def test_mixing_in_copies_lowers_it_by_as_much_as_it_must(metric: Metric, seed: int, n: int) -> None:
    """Averaged over which picture becomes a copy of which, one pair in n (n - 1) / 2 is lost to a picture with itself."""
    features = take(random_features(8, seed, (16, 13)), list(range(n)))
    measured = measure(metric, features)
    mixed = [[i if k == j else k for k in range(n)] for i in range(n) for j in range(n) if i != j]
    if metric.level == "batch":
        assert sum(map(measured.of, mixed)) / len(mixed) < measured.of(range(n))
        return
    means = [pair_mean(measured.values[rows][:, rows]) for rows in mixed]
    lost, same = 2 / (n * (n - 1)), measured.values.diagonal().mean().item()
    expected = (1 - lost) * pair_mean(measured.values) + lost * same
    assert sum(means) / len(means) == pytest.approx(expected, rel=1e-4)
    assert (expected < pair_mean(measured.values)) == (metric.higher_is_better and metric.finish is None)
