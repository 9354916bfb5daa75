"""Training seeds and prompts as crossed clusters, held to an analysis of variance and to runs of known law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from t2ialign.tradeoff.frontier import Dose, path_costs
from t2ialign.tradeoff.training_seeds import change_cells, cost_cells, crossed

PROMPTS = [f"p{i}" for i in range(24)]


def test_the_error_is_that_of_an_analysis_of_variance() -> None:
    """Crossed random effects: Var(mean) = (MS_prompt + MS_seed - MS_rest) / (S P), from sums of squares."""
    draw = np.random.default_rng(0)
    for seeds in (2, 3, 5):
        cells = draw.normal(0, 1, (seeds, 1)) + draw.normal(0, 1, 24) + draw.normal(0, 0.5, (seeds, 24))
        rows, columns, whole = cells.mean(1), cells.mean(0), cells.mean()
        by_seed = 24 * ((rows - whole) ** 2).sum() / (seeds - 1)
        by_prompt = seeds * ((columns - whole) ** 2).sum() / 23
        rest = ((cells - rows[:, None] - columns + whole) ** 2).sum() / (23 * (seeds - 1))
        found = crossed(cells)
        assert found.mean == pytest.approx(whole)
        assert found.error**2 == pytest.approx((by_prompt + by_seed - rest) / (24 * seeds))
        assert found.df == seeds - 1


def test_one_training_seed_is_students_t_over_prompts() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 24)
    found = crossed(values[None]).interval
    assert (found.lo, found.hi) == pytest.approx(stats.t.interval(0.95, 23, values.mean(), stats.sem(values)))


def test_shares_have_the_derivative_of_what_they_stand_for() -> None:
    """A cell that moves a little moves the value by its share's slope: numerical derivatives of the plain formula."""
    draw = np.random.default_rng(2)
    wins = np.stack([draw.uniform(0.5, 0.6, (3, 6)), draw.uniform(0.65, 0.8, (3, 6))])
    diversity, parent = draw.uniform(0.6, 1, (2, 3, 6)), draw.uniform(0.9, 1.2, (2, 3, 6))

    def cost(weights: np.ndarray) -> float:
        """By weighted means over the cells, so that a cell's share is the derivative by its weight."""
        mean = weights / weights.sum()
        rates = (wins * mean).sum((1, 2))
        changes = (diversity * mean).sum((1, 2)) / (parent * mean).sum((1, 2)) - 1
        return float(np.interp(0.63, rates, changes))

    even, step = np.ones((3, 6)), 1e-5
    cells = cost_cells(wins, np.array([change_cells(d, p) for d, p in zip(diversity, parent)]), 0.63)
    assert cells is not None and cells.mean() == pytest.approx(cost(even))
    for seed, prompt in ((0, 0), (1, 3), (2, 5)):
        heavier, lighter = even.copy(), even.copy()
        heavier[seed, prompt] += step
        lighter[seed, prompt] -= step
        slope = (cost(heavier) - cost(lighter)) / (2 * step)
        assert (cells[seed, prompt] - cells.mean()) / cells.size == pytest.approx(slope, rel=1e-5)


def runs(draw: np.random.Generator, name: str, slope: float, luck: float, seeds: int = 3) -> list[Dose]:
    """One dose at a win rate of 0.7, whose run moves all of its prompts by its luck."""
    shared, found = draw.normal(0, 0.05, 24), []
    for seed in range(seeds):
        run = draw.normal(0, luck)
        change = slope * 0.2 + run + shared + draw.normal(0, 0.03, 24)
        wins = 0.7 + draw.normal(0, 0.02, 24)
        found.append(
            Dose(name, dict(zip(PROMPTS, wins)), dict(zip(PROMPTS, 1 + change)), dict.fromkeys(PROMPTS, 1.0), seed)
        )
    return found


@pytest.mark.slow
def test_an_interval_that_counts_runs_holds_the_mean_of_all_runs_and_one_run_does_not() -> None:
    """100 methods whose runs differ by 0.03: intervals of three runs hold the truth, those of one run miss it often."""
    draw, three, one = np.random.default_rng(3), 0, 0
    for _ in range(100):
        doses = runs(draw, "a", -0.5, luck=0.03)
        (many,), (single,) = path_costs({"a": doses}, 0.65), path_costs({"a": doses[:1]}, 0.65)
        assert (many.training_seeds, single.training_seeds) == (3, 1)
        three += many.cost.lo <= -0.075 <= many.cost.hi
        one += single.cost.lo <= -0.075 <= single.cost.hi
    assert three >= 91 and one <= 80, (three, one)
