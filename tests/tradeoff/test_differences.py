import math

import pytest

from t2ialign.metrics import METRICS
from t2ialign.tradeoff.comparison import Comparison
from t2ialign.tradeoff.differences import differences
from t2ialign.types import Interval
from tests.charts.conftest import SPO, point

X, Y = METRICS["oracle_alignment"], METRICS["u_rke"]
BASE, OTHER, ALONE = point(0.5, 0.8, 4), point(0.7, 0.6, 4, SPO), point(0.9, 0.3, 8)


def compared(policy, metric: str, ours: float, theirs: float, gap: Interval | None) -> Comparison:
    ends = [Interval(value, value - 0.1, value + 0.1) for value in (ours, theirs)]
    return Comparison(policy.config, BASE.config, metric, 12, 96, *ends, gap)


def test_points_are_their_paired_differences_and_the_reference_is_at_zero():
    nothing, gap = Interval(0.0, 0.0, 0.0), Interval(0.2, 0.15, 0.25)
    made = [
        compared(BASE, X.name, 0.5, 0.5, nothing),
        compared(BASE, Y.name, 3.0, 3.0, None),
        compared(OTHER, X.name, 0.7, 0.5, gap),
        compared(OTHER, Y.name, 2.0, 3.0, None),
        compared(ALONE, X.name, 0.9, 0.5, gap),  # the other axis was not scored on the reference's prompts
    ]
    found = differences([BASE, OTHER, ALONE], BASE.config, made, X, Y)
    assert [one.config for one in found.points] == [BASE.config, OTHER.config] and found.missing == 1
    assert found.points[0].x == nothing and found.points[1].x == gap
    assert found.points[1].y.mean == pytest.approx(-1.0) and math.isnan(found.points[1].y.lo), "an effective number"
    assert found.points[1].prompts == 12 and found.points[1].seeds == 96


def test_comparisons_with_another_reference_count_for_nothing():
    made = [compared(OTHER, name, 0.7, 0.5, Interval(0.2, 0.1, 0.3)) for name in (X.name, Y.name)]
    found = differences([BASE, OTHER], ALONE.config, made, X, Y)
    assert found.points == () and found.missing == 2
