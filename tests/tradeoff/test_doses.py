"""Slopes beside numpy's fit, and which configs are one line."""

from __future__ import annotations

import numpy as np
import pytest

from t2ialign.metrics import METRICS
from t2ialign.tradeoff.doses import PRESSURES, responses
from tests.tradeoff.tables import cells, config

CFG, WEIGHT, STEPS = PRESSURES
METRIC = METRICS["factor_diversity"]


def test_a_slope_is_the_mean_of_every_prompts_own_fit() -> None:
    rng = np.random.default_rng(0)
    scales, values = [1.0, 2.0, 4.0, 8.0], rng.normal(size=(4, 9))
    table = cells([config(scale=scale) for scale in scales], {METRIC.name: values})
    [found] = responses(table, METRIC, CFG)
    each = np.polyfit(np.log2(scales), values, 1)[0]
    error = each.std(ddof=1) / 3
    assert found.slope.mean == pytest.approx(each.mean()) and found.doses == (1, 2, 4, 8)
    assert found.slope.hi - found.slope.mean == pytest.approx(2.306 * error, rel=1e-3)  # Student's t, 8 degrees
    assert found.changes[0].mean == 0 and found.changes[2].mean == pytest.approx((values[2] - values[0]).mean())


def test_lines_differ_in_the_pressure_alone() -> None:
    configs = [config("dpo", 4.0, weight) for weight in (0.5, 1.0, 2.0)] + [
        config("dpo", 8.0, 1.0),
        config("kto", 4.0, 1.0),
    ]
    table = cells(configs, {METRIC.name: [[value, value + 0.1] for value in (0.9, 0.7, 0.3, 0.1, 0.2)]})
    [found] = responses(table, METRIC, WEIGHT)
    assert (found.doses, found.prompts, found.turns, found.line.guidance_scale) == ((0.5, 1, 2), 2, False, 4.0)
    assert found.slope.mean == pytest.approx(-0.4)
    assert responses(table, METRIC, CFG) == []


def test_steps_kept_on_the_way_are_doses() -> None:
    names = ("dpo-step50", "dpo-step150", "dpo-step100", "dpo")
    table = cells([config(name) for name in names], {METRIC.name: [[0.9, 0.8], [0.95, 0.85], [0.7, 0.6], [0.1, 0.1]]})
    [found] = responses(table, METRIC, STEPS)
    assert (found.doses, found.who, found.turns) == ((50, 100, 150), "dpo", True)


def test_the_end_of_a_run_is_a_dose_where_its_length_is_known() -> None:
    names, values = ("dpo-step50", "dpo", "dpo-step150", "kto"), [[0.9, 0.8], [0.2, 0.1], [0.7, 0.6], [0.5, 0.5]]
    table = cells([config(name) for name in names], {METRIC.name: values})
    assert responses(table, METRIC, STEPS) == [], "two doses without the end"
    [found] = responses(table, METRIC, STEPS, {"dpo": 400, "kto": 400})
    assert (found.doses, found.who) == ((50, 150, 400), "dpo")
    assert found.slope.mean == pytest.approx(np.polyfit([0.5, 1.5, 4.0], [0.85, 0.65, 0.15], 1)[0])


def test_a_hole_takes_its_prompt_out() -> None:
    values = [[1.0, 2.0, np.nan], [1.5, 2.5, 9.0], [2.0, 3.0, 9.0]]
    [found] = responses(cells([config(scale=s) for s in (1.0, 2.0, 4.0)], {METRIC.name: values}), METRIC, CFG)
    assert found.prompts == 2 and found.slope.mean == pytest.approx(0.5)
