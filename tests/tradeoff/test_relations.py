"""Kendall's tau of resamples beside SciPy's, and what each level ranks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from t2ialign.metrics import METRICS
from t2ialign.tradeoff.relations import over_checkpoints, over_pictures, over_prompts, taus
from tests.tradeoff.tables import cells, config

RISING = list(range(6))
X, Y = METRICS["clip_score"], METRICS["oracle_alignment"]


def test_taus_of_resamples_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(5, size=(2, 12)).astype(float)
    draws = rng.multinomial(12, np.full(12, 1 / 12), size=20)
    ours = taus(x, y, draws.astype(float))
    theirs = [stats.kendalltau(np.repeat(x, draw), np.repeat(y, draw)).statistic for draw in draws]
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_checkpoints_are_ranked_by_their_means_and_prompts_within_one_of_them() -> None:
    configs = [config(scale=float(scale)) for scale in range(1, 7)]
    # over configs both rise together; over the prompts of each config one rises and the other falls
    one = [[scale + prompt / 10 for prompt in RISING] for scale in RISING]
    other = [[scale - prompt / 10 for prompt in RISING] for scale in RISING]
    table = cells(configs, {"oracle_alignment": one, "factor_diversity": other})
    tau, things = over_checkpoints(table).between("oracle_alignment", "factor_diversity")
    assert (tau.mean, things) == (1.0, 6)
    found = over_prompts(table, configs[2])
    tau, things = found.between("factor_diversity", "oracle_alignment")
    assert (tau.mean, things, found.config) == (-1.0, 6, configs[2])
    assert found.between("factor_diversity", "factor_diversity")[0].mean == 1


def test_metrics_are_turned_so_that_more_is_better() -> None:
    less = next(one for one in METRICS.values() if not one.higher_is_better)
    configs = [config(scale=float(scale)) for scale in range(1, 7)]
    table = cells(configs, {"oracle_alignment": [[s] * 3 for s in RISING], less.name: [[s + 1] * 3 for s in RISING]})
    assert over_checkpoints(table).between("oracle_alignment", less.name)[0].mean == -1


def test_taus_of_one_metric_are_one_family() -> None:
    configs = [config(scale=float(scale)) for scale in range(1, 9)]
    up = list(range(1, 9))
    rows = {"factor_diversity": up, "lpips": up, "u_rke": up[::-1], "clip_diversity": [4, 1, 6, 3, 8, 5, 2, 7]}
    found = over_checkpoints(cells(configs, {name: [[value] * 3 for value in row] for name, row in rows.items()}))
    names = ["lpips", "u_rke", "clip_diversity"]
    alone = [found.adjusted("factor_diversity", [name])[0] for name in names]
    least = 2 / 2001  # no draw of 2000 lies on the other side
    assert alone[:2] == pytest.approx([least, least], rel=0.01) and alone[2] > 0.05
    assert found.adjusted("factor_diversity", names) == pytest.approx([3 * alone[0], 3 * alone[0], alone[2]], rel=0.01)
    assert math.isnan(found.adjusted("lpips", ["lpips"])[0])


def test_few_things_have_no_tau_and_holes_are_left_out_of_their_pairs_alone() -> None:
    configs = [config(scale=float(scale)) for scale in range(1, 5)]
    rows = [[scale] * 3 for scale in range(4)]
    found = over_checkpoints(cells(configs, {"oracle_alignment": rows, "factor_diversity": rows}))
    assert math.isnan(found.between("oracle_alignment", "factor_diversity")[0].mean)
    holes = [[math.nan] * 3 + RISING]
    table = cells(
        configs[:1],
        {"oracle_alignment": [[0.0] * 3 + RISING], "factor_diversity": holes, "lpips": [[1.0, 2, 3, *RISING]]},
    )
    found = over_prompts(table, configs[0])
    assert found.between("oracle_alignment", "factor_diversity")[1] == 6
    assert found.between("oracle_alignment", "lpips")[1] == 9


def test_pictures_are_ranked_within_their_prompt() -> None:
    metrics = [METRICS["oracle_alignment"], METRICS["clip_score"]]
    up, down = np.arange(4.0), -np.arange(4.0)
    prompts = [
        {"oracle_alignment": up, "clip_score": up},
        {"oracle_alignment": up, "clip_score": down},
        {"clip_score": up},
    ]
    tau, things = over_pictures(metrics, prompts, config()).between("oracle_alignment", "clip_score")
    assert (tau.mean, things) == (0.0, 8) and tau.lo < 0 < tau.hi


def test_taus_within_prompts_are_those_of_scipy() -> None:
    """Prompts of several sizes and with ties, one of them constant, beside one call of scipy each."""
    rng = np.random.default_rng(6)
    draws = [rng.integers(0, 5, size=(2, size)).astype(float) for size in (4, 6, 6, 9)] + [
        np.array([[1.0] * 5, range(5)])
    ]
    prompts = [{X.name: one, Y.name: other} for one, other in draws]
    each = [stats.kendalltau(*draw).statistic for draw in draws]
    expected = np.nanmean(each)
    found, things = over_pictures([X, Y], prompts, config()).between(X.name, Y.name)
    assert found.mean == pytest.approx(expected, abs=1e-12) and things == 30 and np.isnan(each).sum() == 1
