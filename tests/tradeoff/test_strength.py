"""The plane of CFG and weight, or a dial of training, by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from t2ialign.metrics import METRICS
from t2ialign.tradeoff.strength import plane_of, planes
from t2ialign.tradeoff.training_dials import TrainingDoses
from t2ialign.types import AdapterUse
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
    assert (plane.checkpoint, plane.rows, plane.scales) == ("dpo", (0.0, 0.5, 1.0), (1.0, 4.0))
    assert plane.xs[:2] == ((0.1, 0.4), (0.2, 0.6)) and plane.xs[2][0] == 0.3 and math.isnan(plane.xs[2][1])
    assert plane.best(0.4, (True, True)) == (4.0, 0.0, 0.7) and plane.best(0.5, (True, True)) == (4.0, 0.5, 0.5)
    assert plane.best(0.7, (True, True)) is None
    assert plane.dial.at(0.5) == "weight 0.5" and plane.title == "dpo" and plane.key.startswith("weight:dpo:")
    assert plane.keys[1] == ((configs[2].key,), (configs[3].key,)) and plane.keys[2][1] == ()


def test_one_dial_is_no_plane() -> None:
    table = cells([config("dpo", s) for s in (1.0, 4.0)], {X.name: [[0.1], [0.2]], Y.name: [[0.1], [0.2]]})
    assert planes(table, X, Y) == []


RUN = TrainingDoses("dpo on style:minimal", 400)
RUNS = {"dpo": RUN, "dpo-step50": replace(RUN, steps=50), "dpo-step150": replace(RUN, steps=150)}


def told(values):
    """Cells of two prompts with a value on each axis; the prompts differ by 0.2, so the means are the values."""
    table = {
        metric.name: [[pair[side] - 0.1, pair[side] + 0.1] for pair in values.values()]
        for side, metric in enumerate((X, Y))
    }
    return cells(list(values), table)


def close(table):
    return [pytest.approx(row, nan_ok=True) for row in table]


def test_the_steps_of_a_run_make_a_plane_that_begins_at_the_base() -> None:
    values = {
        config(scale=2.0): (0.3, 0.9),
        config(scale=4.0): (0.4, 0.8),
        config("dpo", 2.0): (0.7, 0.5),
        config("dpo-step50", 2.0): (0.5, 0.85),
        config("dpo-step50", 4.0): (0.6, 0.6),
        config("dpo-step150", 4.0): (0.8, 0.4),
        config("dpo-step150", 4.0, num_inference_steps=50): (0.1, 0.1),  # another setting: no place of this plane
    }
    found = planes(told(values), X, Y, RUNS)
    assert [(one.dial.key, one.title) for one in found] == [("weight", "dpo-step50"), ("steps", "dpo")]
    plane = found[1]
    assert (plane.rows, plane.scales) == ((0.0, 50.0, 150.0, 400.0), (2.0, 4.0))
    nan = math.nan
    assert list(plane.xs) == close([[0.3, 0.4], [0.5, 0.6], [nan, 0.8], [0.7, nan]])
    assert list(plane.ys) == close([[0.9, 0.8], [0.85, 0.6], [nan, 0.4], [0.5, nan]])
    assert plane.best(0.45, (True, True)) == pytest.approx((2.0, 50.0, 0.85))
    assert plane.dial.at(50) == "50 training steps" and "training steps (0, 50, 150, 400)" in plane.label
    assert plane.keys[1][1] == (config("dpo-step50", 4.0).key,) and plane.keys[2][0] == ()
    by_name = [one.rows for one in planes(told(values), X, Y) if one.dial.key == "steps"]
    assert by_name == [(0.0, 50.0, 150.0)], "where no manifest tells, names do, and the end of the run is unknown"


def test_a_mean_over_training_seeds_has_the_places_of_all_of_them() -> None:
    again = {name.replace("dpo", "dpo-seed1", 1): replace(run, seed=1) for name, run in RUNS.items()}
    values = {config(scale=4.0): (0.4, 0.8)}
    for place, (seed, by) in enumerate((("", 0.0), ("-seed1", 0.1))):
        values |= {config(f"dpo{seed}{end}", s): (0.5 + by, 0.5 - by) for end in ("-step50", "") for s in (2.0, 4.0)}
        values |= {config("dpo-step150", 4.0): (0.6, 0.4)} if place else {}
    found = {one.title: one for one in planes(told(values), X, Y, RUNS | again) if one.dial.key == "steps"}
    assert set(found) == {"dpo, mean of 2 training seeds", "dpo, training seed 0", "dpo-seed1, training seed 1"}
    mean = found["dpo, mean of 2 training seeds"]
    assert mean.rows == (0.0, 50.0, 400.0), "step 150 was drawn of one seed alone"
    assert list(mean.xs[1:]) == close([[0.55, 0.55], [0.55, 0.55]])
    assert mean.keys[1][0] == (config("dpo-step50", 2.0).key, config("dpo-seed1-step50", 2.0).key)
    assert found["dpo, training seed 0"].rows == (0.0, 50.0, 150.0, 400.0)
    assert len({one.key for one in found.values()}) == 3


def test_effective_numbers_are_averaged_over_seeds_as_over_prompts() -> None:
    """Vendi-like counts of 2 and 6 kinds: the mean over two seeds is 3, as their inverses say."""
    metric = METRICS["u_rke"]
    names = {"a-step1": (1, 0), "a": (2, 0), "b-step1": (1, 1), "b": (2, 1)}
    runs = {name: TrainingDoses("r", steps, seed=seed) for name, (steps, seed) in names.items()}
    table = cells(
        [config(name, s) for name in names for s in (1.0, 2.0)],
        {X.name: [[0.5]] * 8, metric.name: [[2.0 if name.startswith("a") else 6.0] for name in names for _ in "12"]},
    )
    mean = next(one for one in planes(table, X, metric, runs) if one.about.startswith("mean"))
    assert mean.ys[0] == pytest.approx((3.0, 3.0))


def test_a_key_finds_its_plane_again_and_that_of_a_checkpoint_that_was_trained_anew() -> None:
    def of(sha: str):
        configs = [replace(config("dpo", s), adapters=(AdapterUse("dpo", 1.0, sha),)) for s in (2.0, 4.0)]
        return planes(told(dict.fromkeys((*configs, config(scale=2.0)), (0.5, 0.5))), X, Y)

    [old], [new] = of("a"), of("b")
    assert plane_of([new], new.key) is new and old.key != new.key and plane_of([new], old.key) is new
    for unknown in ("", "weight", "steps:dpo:12345678", "weight:kto:12345678", ":::", "\x00" * 50):
        assert plane_of([new], unknown) is None


def test_a_hostile_name_is_a_name() -> None:
    name = "<b>a:b:c</b>@9+*["
    values = {config(f"{name}-step{steps}", s): (0.5, 0.5) for steps in (1, 2) for s in (2.0, 4.0)}
    [plane] = [one for one in planes(told(values), X, Y) if one.dial.key == "steps"]
    assert plane.title == name and plane_of([plane], plane.key) is plane and plane.rows == (1.0, 2.0)
