"""Stored checkpoints beside another one: what is compared, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from t2ialign.store import open_store
from t2ialign.store.benchmarks import add_benchmark
from t2ialign.store.records import CellRecord, ScoreRecord
from t2ialign.store.writing import insert_records
from t2ialign.tradeoff.benchmark_set import BenchmarkSet
from t2ialign.tradeoff.comparison import Comparison, corrected
from t2ialign.tradeoff.interval import estimate
from t2ialign.types import AdapterUse, GenerationConfig, InputError, Interval, Prompt
from t2ialign.use_cases.reports.comparisons import Narrowed, comparison_lines, comparison_table, stored_comparisons
from t2ialign.use_cases.reports.text import stored_points

BASE = GenerationConfig("shapes")
ANY = Interval(0.5, 0.4, 0.6)


def comparison(name: str, metric: str, values: list[float]) -> Comparison:
    found = estimate(values)
    policy = replace(BASE, adapters=(AdapterUse(name),))
    return Comparison(policy, BASE, metric, len(values), 8, ANY, ANY, found.interval, found.p, found.p)


FOUND = corrected(
    [
        comparison("mine", "clip_score", [0.30, 0.31, 0.29, 0.30]),
        comparison("mine", "lpips", [0.1, 0.2, 0.3, 0.12]),
        comparison("other", "clip_score", [0.1, -0.2, 0.3, 0.1]),
        comparison("other", "lpips", [0.1]),
    ]
)


def test_a_difference_says_whether_it_stands_in_its_family():
    strong, weak, none, single = comparison_lines(FOUND)
    assert strong.endswith("the interval excludes zero, also after Holm over 3 differences")
    assert weak.endswith("the interval excludes zero, not after Holm over 3 differences")
    assert none.endswith("the interval holds zero")
    assert single.endswith("too few prompts or seeds to say") and "nan" not in single


def test_a_table_is_bold_where_a_difference_stands_and_says_so():
    lines = list(comparison_table(FOUND))
    assert lines[2].startswith("| `mine` | 4 | **+0.300 [") and lines[2].count("**") == 2
    assert "**" not in lines[3] and lines[3].endswith("| +0.100 |")
    assert lines[-1] == "Bold: the interval excludes zero, also after Holm over the 3 differences of this table."
    assert len(list(comparison_table([]))) == 2


def test_runs_of_other_numbers_of_steps_are_rows_of_their_own():
    slower = [replace(one, policy=replace(one.policy, num_inference_steps=50)) for one in FOUND[:2]]
    names = [line.partition(" | ")[0] for line in comparison_table([*FOUND, *slower])][2:5]
    assert names == ["| `mine`, 25 steps", "| `other`, 25 steps", "| `mine`, 50 steps"]


def test_nothing_is_compared_with_itself(tmp_path: Path):
    sentence = "base is not compared with itself: name another checkpoint"
    with open_store(tmp_path) as opened, pytest.raises(InputError, match=sentence):
        stored_comparisons(opened, ["base"], "base", ("lpips",))


def put(opened, config: GenerationConfig, value: float, prompts: str = "abc", seeds: tuple[int, ...] = (1, 2)) -> None:
    """On the prompts a, b, c diversity is ``value`` and 0.01 and 0.02 more."""
    count = len(seeds)
    pairs = tuple(0.0 if i == j else value for i in range(count) for j in range(i, count))
    alignment = ScoreRecord(seeds, "clip_score", "1", "alignment", "image", (0.3,) * count, 0.3, 0.2, 0.4)
    records = [
        CellRecord(
            Prompt(f"a ring {prompt}"),
            config,
            scores=(
                ScoreRecord(seeds, "lpips", "1", "diversity", "pair", pairs, value + 0.01 * index, 0.1, 0.9),
                alignment,
            ),
        )
        for index, prompt in enumerate(prompts)
    ]
    with opened.transaction() as cursor:
        insert_records(opened.home, cursor, records)


@pytest.fixture
def opened(tmp_path: Path):
    """The base at CFG 1, 4 and 8, one checkpoint at 4, and a strategy at 4; more seeds at CFG 8 of one prompt alone."""
    mine = replace(BASE, adapters=(AdapterUse("mine"),))
    with open_store(tmp_path) as found:
        for config, value in (
            (replace(BASE, guidance_scale=1.0), 0.5),
            (replace(BASE, guidance_scale=4.0), 0.4),
            (replace(BASE, guidance_scale=8.0), 0.2),
            (replace(mine, guidance_scale=4.0), 0.3),
            (replace(BASE, guidance_scale=4.0, guidance="apg"), 0.45),
        ):
            put(found, config, value)
        put(found, replace(BASE, guidance_scale=8.0), 0.9, "a", (3, 4, 5))
        cells = tuple((Prompt(f"a ring {prompt}"), (1, 2)) for prompt in "abc")
        add_benchmark(found, BenchmarkSet("mine", cells))
        yield found


def test_a_checkpoint_meets_itself_at_another_cfg(opened) -> None:
    (found,) = stored_comparisons(opened, ["base"], "base", ["lpips"], Narrowed(guidance_scale=8.0, against_scale=1.0))
    assert (found.policy.guidance_scale, found.base.guidance_scale, found.prompts) == (8.0, 1.0, 3)
    assert found.difference.mean == pytest.approx(-0.3) and found.relative.mean == pytest.approx(-0.3 / 0.51)
    (line,) = comparison_lines([found])
    assert "CFG 8 less 1" in line and "-0.300" in line and "-59 %" in line
    assert "| 8 less 1 |" in list(comparison_table([found]))[2]


def test_every_setting_meets_plain_guidance_of_one_cfg(opened) -> None:
    found = stored_comparisons(opened, [], "base", ["lpips"], Narrowed(against_scale=4.0))
    who = {(one.policy.checkpoint, one.policy.guidance_scale, one.policy.guidance) for one in found}
    assert who == {("base", 1.0, "cfg"), ("base", 4.0, "apg"), ("base", 8.0, "cfg"), ("mine", 4.0, "cfg")}
    assert {one.base.guidance for one in found} == {"cfg"}
    alone = stored_comparisons(opened, [], "base", ["lpips"])
    assert {(one.policy.checkpoint, one.policy.guidance_scale) for one in alone} == {("mine", 4.0)}


def test_of_a_benchmark_set_its_own_seeds_count_alone(opened) -> None:
    """What everything stored says is another number."""
    every, own = (
        next(
            one
            for one in stored_points(opened, "clip_score", "lpips", benchmark=name)
            if one.config.guidance_scale == 8
        )
        for name in ("", "mine")
    )
    assert own.y.mean == pytest.approx(0.21) and every.y.mean > 0.4
    for ask in (
        lambda: stored_points(opened, "clip_score", "lpips", benchmark="yours"),
        lambda: stored_comparisons(opened, [], "base", ["lpips"], Narrowed(benchmark="yours")),
    ):
        with pytest.raises(InputError, match="'yours'"):
            ask()
