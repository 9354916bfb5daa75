"""A checkpoint at the CFG of another one that is as well aligned, by hand and beside the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from t2ialign.metrics import METRICS
from t2ialign.tradeoff.matching import as_aligned, crossing, in_a_sentence
from tests.tradeoff.tables import cells, config

X, Y = METRICS["oracle_alignment"], METRICS["factor_diversity"]
SWEEP = [config(scale=scale) for scale in (1.0, 2.0, 4.0, 8.0)]
DPO = config("dpo", 3.0)


def flat(x: float, y: float, prompts: int = 12, xs=(0.2, 0.4, 0.6, 0.8), ys=(1.0, 0.8, 0.6, 0.4)):
    """A sweep of the base and one checkpoint, all prompts alike."""
    table = {X.name: [[value] * prompts for value in (*xs, x)], Y.name: [[value] * prompts for value in (*ys, y)]}
    return cells([*SWEEP, DPO], table)


def test_the_match_lies_between_two_swept_values() -> None:
    found = as_aligned(flat(0.7, 0.6), DPO, "base", X, Y)
    assert found.scale == pytest.approx(6.0), "halfway between CFG 4 and 8"
    assert found.gain.mean == pytest.approx(0.6 / 0.5 - 1) and found.prompts == 12
    said = in_a_sentence(found, X, Y)
    assert said == (
        f"By {X.title}, dpo at CFG 3 is as aligned as base at CFG 6, and 20 % more varied by {Y.title} (20 to 20), "
        "on 12 prompts."
    )
    assert "20 % less varied" in in_a_sentence(as_aligned(flat(0.7, 0.4), DPO, "base", X, Y), X, Y)


def test_where_nothing_is_as_aligned_it_says_so() -> None:
    more, less = (as_aligned(flat(x, 0.6), DPO, "base", X, Y) for x in (0.9, 0.1))
    assert math.isnan(more.scale) and math.isnan(more.gain.mean)
    assert (
        "dpo at CFG 3 (0.9) is more aligned than base anywhere on its sweep, CFG 1 to 8 (0.2 to 0.8)"
        in in_a_sentence(more, X, Y)
    )
    assert "dpo at CFG 3 (0.1) is less aligned than base" in in_a_sentence(less, X, Y, {"dpo": "dpo"})


def test_of_several_places_the_lowest_cfg_counts() -> None:
    found = as_aligned(flat(0.5, 0.6, xs=(0.2, 0.6, 0.4, 0.8)), DPO, "base", X, Y)
    assert found.scale == pytest.approx(1.75)


def test_few_prompts_have_no_interval_and_the_sweep_itself_no_match() -> None:
    few = as_aligned(flat(0.7, 0.6, prompts=4), DPO, "base", X, Y)
    assert few.gain.mean == pytest.approx(0.2) and math.isnan(few.gain.lo)
    assert "too little is known" in in_a_sentence(few, X, Y)
    assert as_aligned(flat(0.7, 0.6), SWEEP[0], "base", X, Y) is None
    assert as_aligned(flat(0.7, 0.6), config("kto"), "base", X, Y) is None, "it has no scores"
    other = cells(
        [config(scale=1.0, num_inference_steps=50), SWEEP[1], DPO], {X.name: [[1.0] * 9] * 3, Y.name: [[1.0] * 9] * 3}
    )
    assert as_aligned(other, DPO, "base", X, Y) is None, "another number of steps is no part of the sweep"


def test_each_draw_meets_its_own_curve() -> None:
    curve, values = np.array([[0.0, 1.0, 2.0], [0.0, 2.0, 1.0]]), np.array([[5.0, 4.0, 2.0], [5.0, 1.0, 0.0]])
    found, places = crossing(np.array([1.5, 3.0]), curve, values, np.array([1.0, 2.0, 4.0]))
    assert found[0] == 3.0 and places[0] == 3.0 and np.isnan(found[1]) and np.isnan(places[1])
    exact, at = crossing(np.array([1.0]), curve[:1], values[:1], np.array([1.0, 2.0, 4.0]))
    assert (exact[0], at[0]) == (4.0, 2.0)


@pytest.mark.slow
def test_the_interval_holds_the_truth() -> None:
    """Prompts of their own difficulty, shared by all rows: 95 % intervals hold a gain of 20 % in most of 60 worlds."""
    rng, held = np.random.default_rng(3), 0
    for _ in range(60):
        hard = rng.normal(scale=0.15, size=(2, 1, 24))
        noise = rng.normal(scale=0.05, size=(2, 5, 24))
        xs = np.array([0.2, 0.4, 0.6, 0.8, 0.7])[:, None] + hard[0] + noise[0]
        ys = np.array([1.0, 0.8, 0.6, 0.4, 0.6])[:, None] + hard[1] + noise[1]
        found = as_aligned(cells([*SWEEP, DPO], {X.name: xs, Y.name: ys}), DPO, "base", X, Y)
        held += found.gain.lo <= 0.2 <= found.gain.hi
    assert held >= 51, held
