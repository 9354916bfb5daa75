"""Stored pictures scored anew: gaps and old versions are filled, the rest is left alone, and it can be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.types import Prompt
from t2ialign.use_cases.api import run_request
from t2ialign.use_cases.batches import rescore as rescoring
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.reports.text import stored_points
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import Workbench

REQUEST = BatchRequest(Prompt("a red circle"), "base", (0, 1, 2), num_inference_steps=2, metrics=("oracle_alignment",))


@pytest.fixture
def bench(tmp_path) -> Iterator[Workbench]:
    with store.open_store(tmp_path) as opened:
        yield Workbench(StoreResults(opened), "cpu", "float32")


def last(bench: Workbench, *arguments, **more) -> rescoring.RescoreState:
    *_, state = rescoring.rescore(bench, *arguments, **more)
    return state


def names(bench: Workbench, cell: str, seeds=(0, 1, 2)) -> list[str]:
    return [score.metric for score in store.scores_of(bench.store, cell, seeds)]


@pytest.mark.slow
def test_gaps_are_filled_once(bench: Workbench) -> None:
    cell = run_request(bench, REQUEST).cell
    assert names(bench, cell) == ["oracle_alignment"]
    state = last(bench, ("lpips", "oracle_alignment"))
    assert (state.done, state.total, state.scores) == (1, 1, 1)
    assert sorted(names(bench, cell)) == ["lpips", "oracle_alignment"]
    assert last(bench, ("lpips", "oracle_alignment")).scores == 0, "what is done is skipped"
    fresh = run_request(bench, replace(REQUEST, metrics=("lpips",)))
    assert fresh.from_store and fresh.scores["lpips"].values.shape == (3, 3)


@pytest.mark.slow
def test_an_old_version_gets_todays_beside_it(bench: Workbench) -> None:
    state = run_request(bench, REQUEST)
    old = replace(state.scores["oracle_alignment"], version="0", metric="clip_score")
    store.add_scores(bench.store, state.batch, [old])
    assert last(bench, ("clip_score",)).scores == 1
    versions = {s.version for s in store.scores_of(bench.store, state.cell, (0, 1, 2)) if s.metric == "clip_score"}
    assert versions == {"0", rescoring.current_version(bench, METRICS["clip_score"])}


@pytest.mark.slow
def test_points_stand_on_todays_definition_beside_an_older_one(bench: Workbench) -> None:
    state = run_request(bench, replace(REQUEST, metrics=("oracle_alignment", "rmse")))
    older = replace(state.scores["oracle_alignment"], version="1+oracle-shapes:old", mean=0.25)
    store.add_scores(bench.store, state.batch, [older])
    (point,) = stored_points(bench.store, "oracle_alignment", "rmse")
    assert point.x_version == state.scores["oracle_alignment"].version != older.version
    assert point.x.mean == pytest.approx(state.scores["oracle_alignment"].mean)


@pytest.mark.slow
def test_every_seed_set_is_filled_and_only_the_cells_asked_for(bench: Workbench) -> None:
    run_request(bench, REQUEST)
    cell = run_request(bench, replace(REQUEST, seeds=(0, 1, 2, 3))).cell
    other = run_request(bench, replace(REQUEST, prompt=Prompt("a blue ring"))).cell
    assert last(bench, ("rmse",), cells=(cell,)).scores == 2
    assert "rmse" in names(bench, cell) and "rmse" in names(bench, cell, (0, 1, 2, 3))
    assert "rmse" not in names(bench, other)


@pytest.mark.slow
def test_it_can_be_stopped_and_taken_up_again(bench: Workbench) -> None:
    for text in ("a red circle", "a blue ring", "a green star"):
        run_request(bench, replace(REQUEST, prompt=Prompt(text)))
    seen: list[rescoring.RescoreState] = []
    for state in rescoring.rescore(bench, ("rmse",), cancelled=lambda: len(seen) >= 2):
        seen.append(state)
    assert seen[-1].done == 1 and seen[-1].total == 3
    assert last(bench, ("rmse",)).scores == 2, "one of the three was done before"
    assert rescoring.report(last(bench, ("rmse",))) == "Nothing to do: all 3 stored cells have these scores."


@pytest.mark.slow
def test_what_cannot_be_scored_is_said(bench: Workbench, tmp_path) -> None:
    state = run_request(bench, REQUEST)
    foreign = replace(state.batch, config=replace(state.config, backbone="lost"))
    store.add_batch(bench.store, foreign)
    said = rescoring.report(last(bench, ("rmse",)))
    assert "1 scores written for 2 of 2 cells" in said and "no longer knows lost" in said


def test_an_empty_store_is_done_at_once(bench: Workbench) -> None:
    assert last(bench).fraction == 1
