from __future__ import annotations

import math
from dataclasses import replace

import pytest
from scipy import stats

from t2ialign.tradeoff.points import tradeoff_points
from t2ialign.types import InputError
from tests.tradeoff.cells import cell, metric

X, Y = metric("clip_score"), metric("lpips")


def test_one_point_a_config():
    rows = [
        *(
            cell("clip_score", value, prompt, scale)
            for prompt, scale, value in [("a", 4, 0.2), ("b", 4, 0.4), ("a", 8, 0.5)]
        ),
        *(
            cell("lpips", value, prompt, scale)
            for prompt, scale, value in [("a", 4, 0.8), ("b", 4, 0.6), ("a", 8, 0.3)]
        ),
    ]
    four, eight = tradeoff_points(rows, X, Y)
    assert (four.config.guidance_scale, eight.config.guidance_scale) == (4, 8)
    assert (four.x.mean, four.y.mean) == pytest.approx((0.3, 0.7))
    assert (four.prompts, four.seeds, len(four.cells)) == (2, 16, 2)
    assert (eight.x.lo, eight.x.hi) == pytest.approx((0.4, 0.6))
    assert (four.x_metric, four.y_metric, four.x_version, four.y_version) == ("clip_score", "lpips", "1", "1")


def test_only_cells_with_both_metrics_count():
    rows = [
        cell("clip_score", 0.2, "a"),
        cell("clip_score", 0.9, "b"),
        cell("lpips", 0.8, "a"),
        cell("lpips", math.nan, "b"),
    ]
    (found,) = tradeoff_points(rows, X, Y)
    assert (found.x.mean, found.prompts) == (0.2, 1)
    assert tradeoff_points(rows[1:2], X, Y) == []


def test_one_metric_on_both_axes():
    (found,) = tradeoff_points([cell("lpips", 0.8)], Y, Y)
    assert found.x == found.y


def test_versions_never_mix():
    rows = [cell("clip_score", 0.2, version="1+a"), cell("clip_score", 0.3, scale=8, version="1+b"), cell("lpips", 0.8)]
    with pytest.raises(InputError, match=r"clip_score .*1\+a and 1\+b.*re-score"):
        tradeoff_points(rows, X, Y)


def test_effective_numbers_average_as_their_inverses():
    inverse = metric("u_rke", finish=lambda value: 1 / value if value > 0 else math.inf)
    rows = [
        cell("clip_score", 0.2, "a"),
        cell("clip_score", 0.2, "b"),
        cell("u_rke", 2.0, "a"),
        cell("u_rke", 6.0, "b"),
    ]
    (found,) = tradeoff_points(rows, X, inverse)
    assert found.y.mean == pytest.approx(3)


def test_few_prompts_do_not_reach_beyond_what_a_metric_can_be():
    rows = [
        cell(name, value, prompt) for name in ("clip_score", "lpips") for prompt, value in (("a", 0.02), ("b", 0.98))
    ]
    (found,) = tradeoff_points(rows, replace(X, bounds=(0, 1)), replace(Y, bounds=(-math.inf, math.inf)))
    assert (found.x.lo, found.x.hi) == (0, 1)
    assert found.y.lo < 0 and found.y.hi > 1


def test_a_metric_that_grows_with_n_is_compared_at_equal_n():
    """Two cells of eight seeds, one of sixteen: the one leaves the chart, as a metric that does not grow would keep it."""
    rows = [
        *(cell("x", 0.5, prompt, seeds=seeds) for prompt, seeds in (("a", 8), ("b", 8), ("c", 16))),
        *(cell("y", value, prompt, seeds=seeds) for prompt, value, seeds in (("a", 2, 8), ("b", 4, 8), ("c", 9, 16))),
    ]
    x, grows = metric("x"), metric("y", axis="diversity", equal_n=True)
    (compared,) = tradeoff_points(rows, x, grows)
    assert (compared.prompts, compared.y.mean) == (2, 3)
    (free,) = tradeoff_points(rows, x, metric("y", axis="diversity"))
    assert (free.prompts, free.y.mean) == (3, 5)


def test_prompts_on_the_same_seeds_have_wider_intervals():
    """Effects of +-0.4 on two shared seeds: a covariance of 0.32 / 2 between the two prompts."""
    effects = {0: 0.4, 1: -0.4}
    given = [
        replace(cell(name, value, prompt), effects=effects)
        for name in ("clip_score", "lpips")
        for prompt, value in (("a", 0.4), ("b", 0.6))
    ]
    (shared,) = tradeoff_points(given, replace(X, bounds=(-9, 9)), replace(Y, bounds=(-9, 9)))
    error, df = math.sqrt(0.01 + 0.16), (0.01 + 0.16) ** 2 / (0.01**2 + 0.16**2)
    assert shared.x.hi - shared.x.mean == pytest.approx(stats.t.ppf(0.975, df) * error)
