"""The report: its numbers are those of the commands that it names, and what is not there is said."""

from __future__ import annotations

import re

import pytest

from t2ialign import settings, store
from t2ialign.names import setting_name
from t2ialign.store import open_store
from t2ialign.store.benchmarks import add_benchmark
from t2ialign.store.records import CellRecord, ScoreRecord
from t2ialign.store.writing import insert_records
from t2ialign.tradeoff.benchmark_set import BenchmarkSet
from t2ialign.tradeoff.research import Changes, Costs, Finding, Plane
from t2ialign.types import GenerationConfig, InputError, Prompt
from t2ialign.use_cases.reports import frontier
from t2ialign.use_cases.reports.comparisons import stored_comparisons
from t2ialign.use_cases.reports.research import QUESTIONS, lines, research
from t2ialign.use_cases.reports.research_material import ReportSubject
from t2ialign.use_cases.reports.research_pressure import MOST_ROWS
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import open_workbench, workbench_on

SEEDS, Y = (1, 2), "factor_diversity"
SHIPPED = [path.name for path in (settings.DATA / "reference").glob("*.parquet")]  # a file a setting


@pytest.fixture(scope="module")
def bench(shipped_home):
    with open_workbench(shipped_home) as opened:
        yield opened


@pytest.fixture(scope="module")
def shipped(bench):
    return research(bench, ReportSubject())


def of(found, key: str) -> list[Finding]:
    return list(next(section for section in found.sections if section.key == key).exhibits)


@pytest.mark.slow
def test_every_question_is_answered_or_says_what_is_missing(shipped) -> None:
    assert [section.key for section in shipped.sections] == [key for key, *_ in QUESTIONS]
    for section in shipped.sections:
        assert section.exhibits, section.question
        for exhibit in section.exhibits:
            assert exhibit.sentence.endswith(".") and "nan" not in exhibit.sentence and exhibit.command
    assert any("each was run as it stands there" in gap.sentence for s in shipped.sections for gap in s.unknown)


def test_training_is_what_the_command_prints(shipped, bench) -> None:
    changes = next(one.drawn for one in of(shipped, "pressure") if isinstance(one.drawn, Changes))
    names = [row.name.removesuffix(" less base") for row in changes.rows]
    made = stored_comparisons(bench.store, [re.split(r" (?:with|at) ", name)[0] for name in names], "base", [Y])
    theirs = {setting_name(one.policy): one.difference for one in made}
    for name, row in zip(names, changes.rows, strict=True):
        assert (row.value.mean, row.value.lo) == pytest.approx((theirs[name].mean, theirs[name].lo), abs=1e-12)
    trained = sum("base-" not in name and "@" not in name for name in SHIPPED)  # another weight is no training
    assert len(set(names)) == min(MOST_ROWS, trained)
    plane = next(one for one in of(shipped, "pressure") if isinstance(one.drawn, Plane))
    assert "From CFG 1 to 8 of base" in plane.sentence and len(plane.drawn.points) == len(SHIPPED)


def test_costs_are_what_the_command_prints(shipped, bench) -> None:
    [costs] = [one for one in of(shipped, "regularisers") if isinstance(one.drawn, Costs)]
    names = re.match(r"python -m t2ialign frontier (.*?) --judge", costs.command)[1].split()
    rate = costs.drawn.win_rate
    theirs = frontier.report(bench.store, names, "base", "style_minimal", "factor_diversity", 4.0, rate)
    assert repr(costs.drawn.paths) == repr(theirs.paths), "costs that are not reached are NaN"
    assert costs.drawn.ideals == theirs.ideals
    (ideal,) = costs.drawn.ideals
    assert f"{ideal.about} At {rate:.0%} that line pays {ideal.change_at(rate):+.1%}." in costs.sentence
    assert "differ" in costs.sentence, "whether they do, or that it cannot be told"


@pytest.mark.slow
def test_other_axes_and_names_that_are_not_there(bench) -> None:
    found = research(bench, ReportSubject(x="clip_score", y="u_rke"))
    assert "Alignment is CLIPScore (`clip_score`)" in found.scope[1]
    effective = [one for section in found.sections for one in section.exhibits]
    assert effective and "nan" not in " ".join(one.sentence for one in effective)
    for wanted in (
        ReportSubject(x="lpips"),
        ReportSubject(y="nonsense"),
        ReportSubject(benchmark="mine"),
        ReportSubject(backbone="sdxl"),
    ):
        with pytest.raises(InputError):
            research(bench, wanted)


def test_a_store_with_nothing_says_so(tmp_path) -> None:
    with open_store(tmp_path) as opened:
        found = research(workbench_on(StoreResults(opened)), ReportSubject())
    assert not found.exhibits and len(found.sections) == len(QUESTIONS)
    assert all("python -m t2ialign sweep" in section.unknown[0].command for section in found.sections)
    assert "Nothing is scored yet" in "\n".join(lines(found))


def put(opened: store.Store, configs: list[GenerationConfig], prompts: list[Prompt]) -> None:
    scores = [
        ScoreRecord(SEEDS, "clip_score", "1", "alignment", "image", (0.2, 0.4), 0.3, 0.2, 0.4),
        ScoreRecord(SEEDS, "lpips", "1", "diversity", "pair", (0.0, 0.5, 0.0), 0.5, 0.4, 0.6),
    ]
    records = [CellRecord(prompt, config, scores=tuple(scores)) for config in configs for prompt in prompts]
    with opened.transaction() as cursor:
        insert_records(opened.home, cursor, records)


def test_one_batch_is_no_comparison(tmp_path) -> None:
    with open_store(tmp_path) as opened:
        put(opened, [GenerationConfig("shapes")], [Prompt("a ring")])
        found = research(workbench_on(StoreResults(opened)), ReportSubject())
    assert not found.exhibits and "1 prompt has scores, but no benchmark set" in found.sections[0].unknown[0].sentence


@pytest.mark.slow
def test_one_setting_on_few_prompts_draws_what_there_is(tmp_path) -> None:
    prompts = [Prompt(f"a ring {index}") for index in range(3)]
    with open_store(tmp_path) as opened:
        put(opened, [GenerationConfig("shapes")], prompts)
        add_benchmark(opened, BenchmarkSet("mine", tuple((prompt, SEEDS) for prompt in prompts)))
        found = research(workbench_on(StoreResults(opened)), ReportSubject())
    unknown = {section.key: " ".join(gap.sentence for gap in section.unknown) for section in found.sections}
    assert "1 checkpoint of shapes in 1 setting" in found.scope[0]
    assert "was not swept at two CFG values" in unknown["pressure"] and "no trained checkpoint" in unknown["pressure"]
    assert "here are 1" in unknown["relation"] and "one setting only" in unknown["advice"]
    assert "nan" not in "\n".join(lines(found))
