from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from t2ialign.tradeoff.dose_response import monotone_trend
from t2ialign.types import InputError

DOSES = [1.0, 2.0, 4.0, 8.0]
DRAW = np.random.default_rng(0)
RISING = np.log2(DOSES) + DRAW.normal(size=(12, 1)) + 0.5 * DRAW.normal(size=(12, 4))


def test_rising():
    trend = monotone_trend(DOSES, RISING.tolist())
    assert trend.rho.mean == 1
    assert trend.rho.lo >= 0.8
    assert trend.rising_p == pytest.approx(stats.page_trend_test(RISING).pvalue)
    assert trend.rising_p < 1e-4
    assert trend.falling_p > 0.9
    assert [mean.mean for mean in trend.means] == pytest.approx(RISING.mean(0))


def test_falling_is_rising_backwards():
    trend = monotone_trend(DOSES, (-RISING).tolist())
    assert trend.rho.mean == -1
    assert trend.falling_p == pytest.approx(stats.page_trend_test(RISING).pvalue)


def test_order_of_doses_does_not_matter():
    order = [2, 0, 3, 1]
    assert monotone_trend([DOSES[i] for i in order], RISING[:, order].tolist()) == monotone_trend(
        DOSES, RISING.tolist()
    )


def test_no_trend_has_a_wide_interval():
    trend = monotone_trend(DOSES, DRAW.normal(size=(12, 4)).tolist())
    assert trend.rho.hi - trend.rho.lo > 0.5
    assert min(trend.rising_p, trend.falling_p) > 0.01


def test_missing_cells():
    table = RISING.copy()
    table[0, 0] = math.nan
    trend = monotone_trend(DOSES, table.tolist())
    assert trend.means[0].mean == pytest.approx(RISING[1:, 0].mean())
    assert math.isnan(trend.rising_p)


def test_too_few_doses():
    with pytest.raises(InputError, match="at least three doses"):
        monotone_trend([1, 2], [[1, 2]])
