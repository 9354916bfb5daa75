from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from t2ialign.store import (
    Filters,
    RunMark,
    Store,
    add_run,
    find_run,
    list_runs,
    open_store,
    run_marks,
    runs,
    set_run_mark,
    set_status,
)
from t2ialign.types import AdapterUse, GenerationConfig, InputError, Prompt

BASE = GenerationConfig("tiny")
TUNED = replace(BASE, adapters=(AdapterUse("tuned", 0.7),))
PROMPT = Prompt("a red circle", "color", ("short",))


def test_a_permalink_finds_its_run_also_after_a_restart(home: Path):
    with open_store(home) as store:
        run = add_run(store, PROMPT, [TUNED, BASE], range(4, 8))
        set_status(store, run.id, "done")
    assert uuid.UUID(run.id).version == 7
    assert abs(datetime.now(UTC) - run.created) < timedelta(minutes=1)
    with open_store(home) as store:
        assert find_run(store, run.id) == replace(run, status="done")
    assert (run.configs, run.seeds, len(set(run.cells))) == ((TUNED, BASE), (4, 5, 6, 7), 2)


def test_a_run_without_pictures_yet_is_there(store: Store):
    run = add_run(store, PROMPT, [BASE], (0,))
    assert find_run(store, run.id) == run
    assert run.status == "running"


@pytest.mark.parametrize(
    "bad", ["", "x", "0; DROP TABLE runs", "50b90325-945a-4d71-a5e0-4ce59614ab01", "<script>", "ü" * 500]
)
def test_a_wrong_permalink_is_a_sentence(store: Store, bad: str):
    with pytest.raises(InputError, match="There is no run"):
        find_run(store, bad)


def test_a_run_whose_process_died_was_interrupted(store: Store, monkeypatch: pytest.MonkeyPatch):
    left, ended = add_run(store, PROMPT, [BASE], (0,)), add_run(store, PROMPT, [BASE], (0,))
    set_status(store, ended.id, "cancelled")
    monkeypatch.setattr(runs, "PROCESS", "another")
    assert find_run(store, left.id).status == "interrupted"
    assert find_run(store, ended.id).status == "cancelled"
    set_status(store, left.id, "running")  # taken up again
    assert find_run(store, left.id).status == "running"


def test_an_unknown_status_is_refused(store: Store):
    run = add_run(store, PROMPT, [BASE], (0,))
    with pytest.raises(Exception, match="finished"):
        set_status(store, run.id, "finished")
    assert find_run(store, run.id).status == "running"


def test_runs_are_listed_newest_first_page_by_page(store: Store):
    made = [add_run(store, PROMPT, [BASE], (number,)) for number in range(5)]
    assert list_runs(store) == made[::-1]
    assert list_runs(store, limit=2, offset=1) == [made[3], made[2]]


def test_runs_are_filtered_by_any_of_their_checkpoints(store: Store):
    both = add_run(store, PROMPT, [BASE, TUNED], (0,))
    base = add_run(store, Prompt("a star", "single"), [BASE], (0,))
    assert list_runs(store, Filters(checkpoints=("tuned@0.7",))) == [both]
    assert list_runs(store, Filters(categories=("single",))) == [base]
    assert list_runs(store, Filters(prompts=("nothing",))) == []


@pytest.mark.slow
def test_runs_are_found_by_words_of_prompt_or_checkpoint_and_by_their_star(store: Store):
    star = add_run(store, Prompt("A Star above a ring"), [BASE], (0,))
    tuned = add_run(store, PROMPT, [BASE, TUNED], (0,))
    assert list_runs(store, search="star ABOVE") == [star] and list_runs(store, search="tuned") == [tuned]
    assert list_runs(store, search="%") == [] and list_runs(store, search="") == [tuned, star]
    set_run_mark(store, star.id, RunMark(starred=True))
    assert list_runs(store, starred=True) == [star] and run_marks(store) == {star.id: RunMark(starred=True)}
    set_run_mark(store, star.id, RunMark(starred=True, forgotten=True))
    assert list_runs(store) == [tuned] and find_run(store, star.id) == star
    set_run_mark(store, star.id, RunMark())
    assert list_runs(store) == [tuned, star] and list_runs(store, starred=True) == []
