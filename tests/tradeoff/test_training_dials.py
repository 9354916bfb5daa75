"""Which checkpoints are places on one dial of training, by hand."""

from __future__ import annotations

from dataclasses import replace

from t2ialign.tradeoff.training_dials import BETA, ROUNDS, STEPS, TrainingDoses, common_name, training_lines
from t2ialign.types import AdapterUse
from tests.tradeoff.tables import config

RUN = TrainingDoses("recipe", 150, beta=2000.0)


def lines(runs, *more, scales=(2.0, 4.0)):
    """The lines of these runs and some other checkpoints, each drawn at these scales, as (dial, name, values)."""
    configs = [config(name, scale) for name in (*runs, *more) for scale in scales]
    return [(line.dial, line.name, line.rows) for line in training_lines(configs, runs)]


def test_runs_that_differ_in_beta_alone_are_a_dial_without_the_base() -> None:
    runs = {"dpo-b500": replace(RUN, beta=500.0), "dpo-b2000": RUN, "other": replace(RUN, recipe="other", beta=9.0)}
    assert lines(runs, "base") == [(BETA, "dpo", [500.0, 2000.0])]
    for apart in ({"steps": 50}, {"rounds": 2}, {"seed": 1}, {"parent": "x"}, {"recipe": "y"}, {"beta": None}):
        assert lines(runs | {"dpo-b500": replace(RUN, **{"beta": 500.0, **apart})}, "base") == []


def test_rounds_of_one_run_and_of_runs_that_go_on_are_one_dial() -> None:
    runs = {"mi": RUN, "mi_r2": replace(RUN, parent="mi", earlier=1), "mi-3": replace(RUN, rounds=3)}
    assert lines(runs, "base") == [(ROUNDS, "mi", [0.0, 1.0, 2.0, 3.0])]
    begun = {
        name: replace(run, began="first", parent="first" if name != "mi_r2" else "mi") for name, run in runs.items()
    }
    assert lines(begun, "base") == [(ROUNDS, "mi", [1.0, 2.0, 3.0])], "they did not begin at the base"
    assert lines(begun, "first") == [(ROUNDS, "mi", [0.0, 1.0, 2.0, 3.0])]


def test_steps_begin_where_the_run_began() -> None:
    runs = {"on": replace(RUN, parent="first"), "on-step50": replace(RUN, steps=50, parent="first")}
    assert lines(runs, "base") == [(STEPS, "on", [50.0, 150.0])]
    assert lines(runs, "base", "first") == [(STEPS, "on", [0.0, 50.0, 150.0])]


def test_one_dose_or_one_scale_is_no_dial() -> None:
    """What a run began from is no dose of it: with it alone the plane is that of the weights 0 and 1."""
    assert lines({"dpo": RUN}, "base") == []
    assert lines({"dpo": RUN, "dpo-step50": replace(RUN, steps=50)}, "base", scales=(4.0,)) == []


def test_settings_are_kept_apart_and_said() -> None:
    """Weights, and guidance strategies; blends are on no dial of training."""
    names = ("dpo-step50", "dpo-step150")
    configs = [config(name, scale, weight) for name in names for scale in (2.0, 4.0) for weight in (0.5, 1.0)]
    configs += [config(name, scale, guidance="cads") for name in names for scale in (2.0, 4.0)]
    uses = [tuple(AdapterUse(name, 0.5) for name in (one, "kto")) for one in names]
    configs += [replace(config(scale=scale), adapters=use) for use in uses for scale in (2.0, 4.0)]
    found = training_lines(configs)
    assert {line.name: len(line.places) for line in found} == {"dpo@0.5": 4, "dpo": 4, "dpo with cads": 4}


def test_of_several_files_under_one_name_that_of_the_manifest_counts() -> None:
    runs = {"dpo": replace(RUN, sha="new"), "dpo-step50": replace(RUN, steps=50)}

    def drawn(name: str, sha: str, scale: float):
        return replace(config(scale=scale), adapters=(AdapterUse(name, 1.0, sha),))

    configs = [drawn("dpo", sha, scale) for sha in ("old", "new") for scale in (2.0, 4.0)]
    configs += [drawn("dpo-step50", "b", 2.0), drawn("dpo-step50", "a", 4.0)]
    [line] = training_lines(configs, runs)
    assert sorted(line.places.items()) == [((50.0, 4.0), (5,)), ((150.0, 2.0), (2,)), ((150.0, 4.0), (3,))]


def test_of_one_training_done_twice_the_first_by_name_counts() -> None:
    runs = {"twin": RUN, "dpo": RUN, "dpo-step50": replace(RUN, steps=50)}
    configs = [config(name, scale) for name in runs for scale in (2.0, 4.0)]
    [line] = training_lines(configs, runs)
    assert line.places[150.0, 2.0] == (2,) and configs[2].checkpoint == "dpo"


def test_what_was_kept_on_the_way_and_says_nothing_itself_is_of_the_run_of_its_name() -> None:
    assert lines({"dpo": RUN}, "dpo-step50", "base") == [(STEPS, "dpo", [0.0, 50.0, 150.0])]


def test_a_dial_says_its_places_in_words() -> None:
    assert (ROUNDS.at(1), ROUNDS.at(2), STEPS.at(1_500_000)) == (
        "1 training round",
        "2 training rounds",
        "1500000 training steps",
    )


def test_checkpoints_of_one_run_are_called_by_what_they_share() -> None:
    assert common_name(["dpo-step50", "dpo"]) == "dpo" and common_name(["mi_tune", "mi_tune_r2"]) == "mi_tune"
    assert common_name(["dpo-beta500", "dpo-beta2000"]) == "dpo" and common_name(["x-seed1", "x"]) == "x"
    assert common_name(["dpo_01", "dpo_02"]) == "dpo" and common_name(["dpo-2", "dpo-2-more"]) == "dpo-2"
    assert common_name(["alpha", "zeta"]) == "alpha and others" and common_name(["b500", "b2000"]) == "b2000 and others"
