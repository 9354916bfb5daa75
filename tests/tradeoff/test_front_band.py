"""The edge of what is reached, by hand and beside moocore."""

from __future__ import annotations

import math

import moocore
import numpy as np
import pytest

from t2ialign.metrics import METRICS
from t2ialign.tradeoff.front_band import _corner, _tops, areas_of, corners, edge, front_places, knee, volumes
from tests.tradeoff.tables import cells, config

X, Y = METRICS["oracle_alignment"], METRICS["factor_diversity"]
SCALES = (1.0, 2.0, 4.0, 8.0)


def flat(xs, ys, prompts: int = 10):
    """Conditions without any spread over prompts."""
    configs = [config(scale=scale) for scale in SCALES[: len(xs)]]
    return cells(configs, {X.name: [[x] * prompts for x in xs], Y.name: [[y] * prompts for y in ys]})


def test_areas_are_those_of_moocore() -> None:
    rng = np.random.default_rng(0)
    xs, ys = rng.normal(size=(2, 20, 6))
    ours = areas_of(xs, ys, (-1.0, -0.5))
    theirs = [moocore.hypervolume(np.stack([x, y], 1), ref=[-1.0, -0.5], maximise=[True, True]) for x, y in zip(xs, ys)]
    assert ours == pytest.approx(theirs, abs=1e-12) and max(theirs) > 0


def test_a_front_is_that_of_moocore() -> None:
    rng = np.random.default_rng(1)
    for x, y in zip(*rng.normal(size=(2, 30, 7))):
        kept = moocore.is_nondominated(np.stack([x, y], 1), maximise=[True, True])
        places = front_places(x, y)
        assert sorted(places) == np.flatnonzero(kept).tolist() and (np.diff(x[places]) > 0).all()


def test_the_best_at_a_required_alignment_by_hand() -> None:
    found = edge(flat([0.1, 0.3, 0.5, 0.9], [0.8, 0.9, 0.4, 0.2]), X, Y)
    said = {
        round(level, 6): (round(best.mean, 9), by.guidance_scale)
        for level, best, by in zip(found.levels, found.best, found.by)
    }
    assert said[0.1] == said[0.3] == (0.9, 2.0)  # the first is beaten on both axes
    assert said[0.5] == (0.4, 4.0) and said[0.9] == (0.2, 8.0)
    assert all(best.lo == pytest.approx(best.mean) == best.hi for best in found.best), "nothing differs between prompts"
    assert found.at(0.31)[1].guidance_scale == 4.0 and found.at(2.0) is None


def test_a_band_widens_with_the_spread_and_holds_its_mean() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(scale=0.1, size=(2, 3, 12))
    xs, ys = np.array([0.2, 0.5, 0.8])[:, None] + noise[0], np.array([0.9, 0.7, 0.3])[:, None] + noise[1]
    found = edge(cells([config(scale=s) for s in SCALES[:3]], {X.name: xs, Y.name: ys}), X, Y)
    assert all(best.lo < best.mean < best.hi for best in found.best if not math.isnan(best.lo))
    few = edge(cells([config(scale=s) for s in SCALES[:3]], {X.name: xs[:, :4], Y.name: ys[:, :4]}), X, Y)
    assert few.prompts == 4 and all(math.isnan(best.lo) for best in few.best), "too few prompts for an interval"


def test_where_less_is_better_the_edge_runs_the_other_way() -> None:
    spread = METRICS["lpips"]
    less = next(one for one in METRICS.values() if not one.higher_is_better and one.finish is None)
    table = cells(
        [config(scale=s) for s in SCALES[:2]],
        {less.name: [[3.0] * 9, [1.0] * 9], spread.name: [[0.5] * 9, [0.2] * 9]},
    )
    found = edge(table, less, spread)
    assert (found.levels[0], found.levels[-1]) == (3.0, 1.0)
    assert (found.best[0].mean, found.best[-1].mean) == pytest.approx((0.5, 0.2))


@pytest.mark.slow
def test_the_knee_by_hand() -> None:
    found = knee(flat([0.0, 0.5, 0.8, 1.0], [1.0, 0.95, 0.5, 0.0]), X, Y)
    assert (found.config.guidance_scale, found.x, found.y, found.share) == (
        2.0,
        0.5,
        0.95,
        1.0,
    )  # 0.45 beyond, then 0.3
    assert knee(flat([0.0, 0.5, 1.0], [1.0, 0.5, 0.0]), X, Y) is None, "a straight front has none"
    assert knee(flat([0.0, 1.0], [1.0, 0.0]), X, Y) is None


def test_volumes_are_shares_of_what_was_seen() -> None:
    configs = [config(scale=1.0), config(scale=8.0), config("dpo", 4.0)]
    table = cells(configs, {X.name: [[0.0] * 9, [1.0] * 9, [0.5] * 9], Y.name: [[1.0] * 9, [0.0] * 9, [0.5] * 9]})
    found = {one.checkpoint: one for one in volumes(table, X, Y)}
    assert (
        found["dpo"].area.mean == pytest.approx(0.25)
        and found["base"].area.mean == 0.0
        and found["base"].conditions == 2
    )


def test_what_lacks_prompts_takes_no_part() -> None:
    nan = math.nan
    table = cells(
        [config(scale=1.0), config(scale=8.0)], {X.name: [[0.1] * 9, [0.9] * 8 + [nan]], Y.name: [[0.5] * 9, [0.9] * 9]}
    )
    assert {by.guidance_scale for by in edge(table, X, Y).by} == {1.0}
    assert edge(cells([], {X.name: np.zeros((0, 3)), Y.name: np.zeros((0, 3))}), X, Y) is None


def test_all_draws_at_once_are_one_draw_at_a_time() -> None:
    """Band and knee of every resample, beside the loops that say what they are; equal places among them."""
    rng = np.random.default_rng(5)
    for xs, ys in (rng.normal(size=(2, 200, 9)), rng.integers(0, 4, size=(2, 200, 9)).astype(float)):
        assert corners(xs, ys).tolist() == [_corner(x, y) for x, y in zip(xs, ys)]
        lows = np.linspace(xs.min() - 0.1, xs.max() + 0.1, 12)
        loops = [[max((y for x, y in zip(*draw) if x >= low), default=-np.inf) for low in lows] for draw in zip(xs, ys)]
        assert np.array_equal(_tops(xs, ys, lows), loops)
    assert (corners(xs, ys) >= 0).any() and (corners(xs, ys) < 0).any()
