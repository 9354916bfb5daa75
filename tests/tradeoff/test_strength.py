"""The plane of CFG and weight, by hand."""

from __future__ import annotations

import math

from t2ialign.metrics import METRICS
from t2ialign.tradeoff.strength import planes
from tests.tradeoff.tables import cells, config

X, Y = METRICS["oracle_alignment"], METRICS["factor_diversity"]


def test_weights_and_scales_make_a_plane_with_the_base_at_weight_nothing() -> None:
    configs = [
        config(scale=1.0),
        config(scale=4.0),
        config("dpo", 1.0, 0.5),
        config("dpo", 4.0, 0.5),
        config("dpo", 1.0),
    ]
    configs += [config("kto", 4.0)]
    xs, ys = (0.1, 0.4, 0.2, 0.6, 0.3, 0.9), (0.9, 0.7, 0.8, 0.5, 0.6, 0.1)
    table = cells(configs, {X.name: [[x, x] for x in xs], Y.name: [[y, y] for y in ys]})
    [plane] = planes(table, X, Y)  # kto was drawn at one scale
    assert (plane.checkpoint, plane.weights, plane.scales) == ("dpo", (0.0, 0.5, 1.0), (1.0, 4.0))
    assert plane.xs[:2] == ((0.1, 0.4), (0.2, 0.6)) and plane.xs[2][0] == 0.3 and math.isnan(plane.xs[2][1])
    assert plane.best(0.4, (True, True)) == (4.0, 0.0, 0.7) and plane.best(0.5, (True, True)) == (4.0, 0.5, 0.5)
    assert plane.best(0.7, (True, True)) is None


def test_one_dial_is_no_plane() -> None:
    table = cells([config("dpo", s) for s in (1.0, 4.0)], {X.name: [[0.1], [0.2]], Y.name: [[0.1], [0.2]]})
    assert planes(table, X, Y) == []
