from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2ialign.tradeoff.pareto import hypervolume, pareto_front
from tests.tradeoff.cells import point


def test_front_by_hand():
    best = [point(3, 1), point(2, 2), point(1, 3)]
    assert pareto_front([*best, point(1, 1), point(2, 1), point(math.nan, 9)]) == best[::-1]
    assert pareto_front([]) == []


def test_directions():
    points = [point(1, 1), point(2, 2), point(3, 1)]
    assert pareto_front(points, (False, True)) == points[:2]
    assert pareto_front(points, (True, False)) == [points[2]]


def test_hypervolume_by_hand():
    """Three steps of a stair above the origin: 3 x 1 + 2 x 1 + 1 x 1."""
    assert hypervolume([point(3, 1), point(2, 2), point(1, 3), point(1, 1)], (0, 0)) == pytest.approx(6)
    assert hypervolume([point(1, 2), point(2, 3)], (4, 0), (False, True)) == pytest.approx(8)
    assert hypervolume([], (0, 0)) == 0


coordinates = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12)


@given(coordinates)
def test_front_equals_the_definition(pairs: list[tuple[int, int]]):
    points = [point(x, y) for x, y in pairs]
    beaten = [any(a >= x and b >= y and (a, b) != (x, y) for a, b in pairs) for x, y in pairs]
    expected = sorted(pair for pair, lost in zip(pairs, beaten, strict=True) if not lost)
    assert sorted((found.x.mean, found.y.mean) for found in pareto_front(points)) == expected


@given(coordinates)
def test_front_holds_the_whole_area(pairs: list[tuple[int, int]]):
    points = [point(x, y) for x, y in pairs]
    assert hypervolume(pareto_front(points), (-1, -1)) == pytest.approx(hypervolume(points, (-1, -1)))
