"""Stored strategies beside plain guidance: found in any store, in one family, and the same in the report and the command."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from t2ialign import settings, store
from t2ialign.charts.report_page import report_html
from t2ialign.names import setting_name
from t2ialign.store import Filters
from t2ialign.store.records import CellRecord
from t2ialign.store.writing import insert_records
from t2ialign.tradeoff.research import Research, Section
from t2ialign.use_cases.batches import benchmarks
from t2ialign.use_cases.reports.research import lines
from t2ialign.use_cases.reports.research_guidance import of_strategies
from t2ialign.use_cases.reports.research_material import ReportSubject, gather
from t2ialign.use_cases.reports.strategies import run_of, share_of, stored_strategies, strategy_table
from t2ialign.use_cases.reports.text import write_reference
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import workbench_on

X, Y = "oracle_alignment", "factor_diversity"
RUNS = ("minimal_js", "minimal_js-seed1", "minimal_js-seed2")
VARIED = {"cads": 0.1, "interval": 0.0}


SHIPPED = [f"base-cfg-{scale}" for scale in (3, 4, 6)] + [f"{run}-cfg-4" for run in RUNS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Some of the shipped files."""
    found = tmp_path_factory.mktemp("reference")
    for name in SHIPPED:
        shutil.copy(settings.DATA / "reference" / f"{name}.parquet", found)
    return found


@pytest.fixture(scope="module")
def bench(folder, tmp_path_factory):
    """Shipped runs, and what a strategy would have drawn that is as aligned and so much more varied."""
    home = tmp_path_factory.mktemp("strategies")
    with store.open_store(home) as kept_in:
        store.ingest_reference(kept_in, folder)
        benchmarks.keep_shipped(kept_in)
        opened = workbench_on(StoreResults(kept_in))
        chance = np.random.default_rng(0)
        made = []
        for run in ("base", *RUNS):
            for cell in store.list_cells(opened.store, Filters(checkpoints=(run,))):
                if cell.config.guidance_scale != 4:
                    continue
                kept = store.scores.records_of(opened.store, cell.key)
                eight = [one for one in kept if one.metric in (X, Y) and len(one.seeds) == 8]
                shown = store.pictures(opened.store, cell.key)
                for name, more in VARIED.items():
                    noise = chance.normal(0, 0.01)
                    scores = tuple(
                        replace(
                            one, mean=one.mean + more + noise, values=(one.values[0] + more + noise, *one.values[1:])
                        )
                        if one.metric == Y
                        else one
                        for one in eight
                    )
                    config = replace(cell.config, guidance=name)
                    made.append(CellRecord(cell.prompt, config, tuple(shown), scores))
        with opened.store.transaction() as cursor:
            insert_records(opened.store.home, cursor, made)
        yield opened


def test_a_name_stands_for_its_training_seeds() -> None:
    assert [
        run_of(name) for name in ("a", "a-seed1", "a-seed2-step50", "a-seed1@0.5+b-step5", "a-seeds", "a-seed1b")
    ] == [
        "a",
        "a",
        "a-step50",
        "a@0.5+b-step5",
        "a-seeds",
        "a-seed1b",
    ]


@pytest.mark.slow
def test_strategies_of_several_checkpoints_are_one_family(bench) -> None:
    found = stored_strategies(bench.store, ["base", "minimal_js"], X, Y)
    assert [(one.run, one.policy.guidance, one.training_seeds) for one in found] == [
        ("base", "cads", 1),
        ("base", "interval", 1),
        ("minimal_js", "cads", 3),
        ("minimal_js", "interval", 3),
    ]
    assert {one.family for one in found} == {4} and {one.prompts for one in found} == {24}
    for one in found:
        assert one.y_gap.mean == pytest.approx(VARIED[one.policy.guidance], abs=0.01)
        assert one.stands == (one.policy.guidance == "cads") and one.x_gap == pytest.approx(0, abs=1e-9)
        assert share_of(one).mean == pytest.approx(one.y_gap.mean / one.plain_y)
    assert found[0].plain_scale == pytest.approx(4) and found[2].plain_scale == 4
    (alone, _) = stored_strategies(bench.store, ["minimal_js-seed1"], X, Y)
    assert (alone.run, alone.training_seeds) == ("minimal_js-seed1", 1)
    assert stored_strategies(bench.store, ["gors"], X, Y) == []


@pytest.mark.slow
def test_the_report_says_what_the_command_prints(bench) -> None:
    exhibit, *gaps = of_strategies(gather(bench, ReportSubject()))
    assert exhibit.command.startswith("python -m t2ialign strategies --checkpoint base,minimal_js --x oracle_alignment")
    printed = list(strategy_table(stored_strategies(bench.store, ["base", "minimal_js"], X, Y), X, Y))
    assert exhibit.sentence in printed
    assert exhibit.sentence.startswith("Of 4 settings of 2 guidance strategies on ")
    assert "2 are (cads of " in exhibit.sentence and "of 2 it cannot be told" in exhibit.sentence
    said = list(lines(Research("Title", (), (Section("strategies", "Which?", (exhibit,), tuple(gaps)),))))
    for row in exhibit.table[1:]:
        assert f"| {' | '.join(row)} |" in printed and f"| {' | '.join(row)} |" in said
    assert [row.stands for row in exhibit.drawn.rows] == [True, True, False, False]
    page = report_html(Research("Title", (), (Section("strategies", "Which?", (exhibit,)),)))
    assert page.count("<tr>") == 5 and '<td class="stands">+0.' in page and "**" not in page.split("<table>")[1]


def test_a_strategy_is_named_where_it_is_not_plain(bench) -> None:
    configs = {setting_name(cell.config) for cell in store.list_cells(bench.store, Filters(checkpoints=("base",)))}
    assert {"base at CFG 4", "base with cads at CFG 4"} <= configs


@pytest.mark.slow
def test_scores_alone_make_the_same_table(bench, folder, tmp_path) -> None:
    """What is exported without pictures, beside files with theirs, says the same in a new store."""
    written = dict(write_reference(bench.store, folder, scores_only=True))
    strategies = [f"{run}-{name}-cfg-4-scores.parquet" for run in ("base", *RUNS) for name in VARIED]
    assert sorted(path.name for path in written) == sorted(strategies), "what has its pictures there is left to them"
    assert max(written.values()) < 60_000
    with store.open_store(tmp_path / "new") as opened:
        store.ingest_reference(opened, folder)
        asked = (["base", "minimal_js"], X, Y)
        assert stored_strategies(opened, *asked) == stored_strategies(bench.store, *asked)
