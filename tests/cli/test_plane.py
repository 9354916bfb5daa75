"""points as changes from one of them, and beside the CFG that is as aligned."""

import json

import pytest

SET = "73e34e8f347bbb5a"  # of the shipped runs
AXES = ("--x", "oracle_alignment", "--y", "factor_diversity", "--benchmark", SET)


@pytest.mark.slow
def test_changes_are_the_differences_that_compare_prints(run, home) -> None:
    asked = ("points", *AXES, "--checkpoint", "base,minimal_kto", "--against", "base", "--store", home, "--json")
    points = {
        (one["config"]["guidance_scale"], bool(one["config"]["adapters"])): one
        for one in json.loads(run(*asked)[1])
        if one["config"]["guidance"] == "cfg"  # its other strategies ship too, and are no point to start from
    }
    assert points[4.0, False]["x"] == {"mean": 0.0, "lo": 0.0, "hi": 0.0}, "the point that they are taken from"
    metrics = "oracle_alignment,factor_diversity"
    told = run("compare", "minimal_kto", "--benchmark", SET, "--metrics", metrics, "--store", home, "--json")[1]
    theirs = {one["metric"]: one["difference"] for one in json.loads(told)}
    for axis, name in (("x", "oracle_alignment"), ("y", "factor_diversity")):
        assert points[4.0, True][axis] == pytest.approx(theirs[name], abs=1e-12)


@pytest.mark.slow
def test_a_checkpoint_stands_beside_the_cfg_that_is_as_aligned(run, home) -> None:
    asked = ("points", *AXES, "--checkpoint", "minimal_kto", "--as-aligned-as", "base", "--store", home)
    code, out, _ = run(*asked)
    assert code == 0 and "minimal_kto at CFG 4 is as aligned as base at CFG 2.6, and 23 % less varied" in out
    code, _, err = run("points", "--as-aligned-as", "base", "--store", home)
    assert code == 2 and "name it with --benchmark" in err


@pytest.mark.slow
def test_a_point_that_is_not_there_is_a_sentence(run, home) -> None:
    code, _, err = run("points", *AXES, "--against", "base", "--against-guidance-scale", "5", "--store", home)
    assert code == 2 and "There is no point of base at CFG 5: it has CFG 1, 1.5, 2, 3, 4, 6, 8." in err
    code, _, err = run("points", *AXES, "--against", "nobody", "--store", home)
    assert code == 2 and "There is no point of nobody at CFG 4: it has none on this set." in err
