"""Costs at equal win rates: hand-worked paths, and the bootstrap's behaviour on paths of known law."""

from __future__ import annotations

import math

import numpy as np
import pytest

from t2ialign.tradeoff.frontier import Dose, path_costs
from t2ialign.types import InputError


def dose(name: str, wins: float, change: float, prompts: int = 10) -> Dose:
    """The same on every prompt, from a parent of diversity 2."""
    keys = [f"p{i}" for i in range(prompts)]
    return Dose(name, dict.fromkeys(keys, wins), dict.fromkeys(keys, 2 * (1 + change)), dict.fromkeys(keys, 2.0))


def test_a_cost_is_read_off_the_line_between_the_doses_beside_it() -> None:
    path = [dose("a-step50", 0.6, -0.1), dose("a-step400", 0.8, -0.3)]
    (found,) = path_costs({"a": path}, 0.7)
    assert found.cost.mean == pytest.approx(-0.2) and found.beyond is None
    assert [point.checkpoint for point in found.doses] == ["a-step50", "a-step400"]
    assert [point.change.mean for point in found.doses] == pytest.approx([-0.1, -0.3])
    (early,) = path_costs({"a": path}, 0.55)
    assert early.cost.mean == pytest.approx(-0.05), "from the parent, at half and unchanged"


def test_a_path_that_turns_back_costs_what_it_first_cost() -> None:
    """Too strong a dose wins less often at a higher cost: nobody who wants 0.65 would take that branch."""
    path = [dose("a-step50", 0.7, -0.1), dose("a-step150", 0.8, -0.2), dose("a", 0.5, -0.5)]
    (found,) = path_costs({"a": path}, 0.65)
    assert found.cost.mean == pytest.approx(-0.075)
    assert [point.checkpoint for point in found.doses] == ["a-step50", "a-step150", "a"]
    (peak,) = path_costs({"a": path}, 0.79)
    assert peak.cost.mean == pytest.approx(-0.19)


def test_a_path_that_never_wins_that_often_has_no_cost_there() -> None:
    strong, weak = path_costs({"strong": [dose("s", 0.8, -0.3)], "weak": [dose("w", 0.6, -0.1)]}, 0.7)
    assert strong.cost.mean == pytest.approx(-0.2)
    assert math.isnan(weak.cost.mean) and weak.beyond is not None and math.isnan(weak.beyond.mean)


@pytest.mark.slow
def test_intervals_hold_what_is_true_and_differences_are_paired() -> None:
    """Two paths whose prompts share their difficulty: the difference is known far better than either cost."""
    draw, covered, narrower = np.random.default_rng(0), 0, []
    for _ in range(60):
        shared = draw.normal(0, 0.2, 24)
        paths = {}
        for name, slope in (("a", -1.0), ("b", -0.5)):
            wins = 0.7 + draw.normal(0, 0.02, 24)
            change = slope * 0.2 + shared + draw.normal(0, 0.02, 24)
            keys = [f"p{i}" for i in range(24)]
            paths[name] = [Dose(name, dict(zip(keys, wins)), dict(zip(keys, 1 + change)), dict.fromkeys(keys, 1.0))]
        a, b = path_costs(paths, 0.65)
        covered += a.cost.lo <= -0.15 <= a.cost.hi
        narrower.append((b.beyond.hi - b.beyond.lo) / (a.cost.hi - a.cost.lo))
    assert covered >= 51  # 95 % of 60 is 57; a percentile bootstrap over 24 prompts gives 93 %
    assert np.mean(narrower) < 0.4


def test_differences_from_the_first_path_are_one_family() -> None:
    draw = np.random.default_rng(0)
    keys, shared = [f"p{i}" for i in range(24)], draw.normal(0, 0.1, 24)
    paths = {}
    for name, change in (("a", -0.3), ("same", -0.3), ("less", -0.1)):
        values = 1 + change + shared + draw.normal(0, 0.02, 24)
        paths[name] = [Dose(name, dict.fromkeys(keys, 0.7), dict(zip(keys, values)), dict.fromkeys(keys, 1.0))]
    first, same, less = path_costs(paths, 0.65)
    assert math.isnan(first.p) and not first.stands
    assert less.p == pytest.approx(2 / 2001, rel=0.01) and less.adjusted == 2 * less.p and less.stands
    assert (same.beyond.lo <= 0 <= same.beyond.hi) == (same.p > 0.05) and same.adjusted == same.p
    few = path_costs({name: [dose(name, 0.7, change, prompts=5)] for name, change in (("a", -0.3), ("b", -0.1))}, 0.65)
    assert math.isnan(few[1].p) and not few[1].stands, "too few prompts for an interval"


def test_few_prompts_have_means_and_no_intervals() -> None:
    (found,) = path_costs({"a": [dose("a", 0.7, -0.1, prompts=5)]}, 0.6)
    assert (
        found.cost.mean == pytest.approx(-0.05) and math.isnan(found.cost.lo) and math.isnan(found.doses[0].change.lo)
    )


def test_only_shared_prompts_count_and_bad_input_is_a_sentence() -> None:
    one, other = dose("a", 0.7, -0.1), dose("b", 0.7, -0.3)
    half = Dose("b", {"p1": 0.7, "p2": math.nan}, {"p1": 1.4, "p2": 1.0}, {"p1": 2.0, "p2": 2.0})
    a, b = path_costs({"a": [one], "b": [half]}, 0.7)
    assert a.prompts == b.prompts == 1 and b.cost.mean == pytest.approx(-0.3)
    with pytest.raises(InputError, match="lies between 0.5 and 1"):
        path_costs({"a": [one], "b": [other]}, 0.5)
    with pytest.raises(InputError, match="no checkpoint to compare"):
        path_costs({}, 0.7)
    with pytest.raises(InputError, match="share no scored prompt"):
        path_costs({"a": [one], "b": [Dose("b", {"q": 0.7}, {"q": 1.0}, {"q": 1.0})]}, 0.7)
