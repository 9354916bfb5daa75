"""Every batch that was asked for, found again."""

import re
from datetime import UTC, datetime

import pytest

from t2ialign import settings
from t2ialign.dashboard.explore import run_history
from t2ialign.store import Grid, add_run, keep_grid, list_runs
from t2ialign.types import InputError, Prompt
from tests.dashboard import fakes


@pytest.fixture
def used(services, config):
    """Thirteen runs, the last one with pictures."""
    for number in range(12):
        add_run(services.store, Prompt(f"prompt {number}"), [config("base")], (0, 1))
    cell = Prompt("a red circle")
    fakes.add_cell(services.store, cell, config("spo"))
    add_run(services.store, cell, [config("spo")], (1, 2, 3))
    return services


def listed(html: str) -> list[str]:
    return re.findall(r"<b>(.*?)</b>", str(html))


@pytest.mark.slow
def test_newest_first_with_thumbnails_a_page_at_a_time(used):
    updates = run_history.show(used, "", None, False, 0, run_history.PAGE)
    assert listed(updates["history"])[:2] == ["a red circle", "prompt 11"] and len(listed(updates["history"])) == 12
    assert updates["history"].count("<img") == 3 and "/1.webp?small" in updates["history"]
    assert updates["history_more"].visible
    rest = run_history.more(used, "", "", False, 0, run_history.PAGE)
    assert len(listed(rest["history"])) == 13 and not rest["history_more"].visible and rest["history_shown"] == 24


@pytest.mark.slow
def test_words_find_prompts_and_checkpoints(used):
    assert listed(run_history.show(used, "", " SPO ", False, 0, 12)["history"]) == ["a red circle"]
    assert "Nothing found" in run_history.show(used, "", "no such words", False, 0, 12)["history"]


def test_an_empty_history_says_what_will_be_there(services):
    assert "No batch yet" in run_history.show(services, "", "", False, 0, 12)["history"]


@pytest.mark.slow
def test_a_batch_is_starred_forgotten_and_taken_back(used):
    run = list_runs(used.store)[0].id

    def act(act: str) -> dict:
        return run_history.mark(used, {"act": act, "run": run}, "", "", False, 0, 12)

    assert "\N{BLACK STAR}" in act("star")["history"]
    assert listed(run_history.show(used, "", "", True, 0, 12)["history"]) == ["a red circle"]
    gone = act("forget")["history"]
    assert "a red circle" not in listed(gone) and "Undo" in gone
    assert listed(act("recall")["history"])[0] == "a red circle"
    assert act("explode") == {}
    with pytest.raises(InputError, match="no run"):
        run_history.mark(used, {"act": "star", "run": "gone"}, "", "", False, 0, 12)


@pytest.mark.slow
def test_strangers_see_nobodys_batches(used, monkeypatch):
    monkeypatch.setattr(settings, "OWNER_TOKEN", "secret")
    updates = run_history.more(used, "guess", "", False, 0, 12)
    assert "owner" in updates["history"] and "circle" not in updates["history"] and not updates["history_more"].visible
    with pytest.raises(InputError, match="owner"):
        run_history.mark(used, {"act": "star", "run": list_runs(used.store)[0].id}, "guess", "", False, 0, 12)


@pytest.mark.slow
def test_a_note_is_kept_and_found(used):
    run = list_runs(used.store)[3].id
    said = {"act": "note", "run": run, "note": "  the one\nfor the talk "}
    assert 'value="the one for the talk"' in run_history.mark(used, said, "", "", False, 0, 12)["history"]
    assert listed(run_history.show(used, "", "for the TALK", False, 0, 12)["history"]) == ["prompt 9"]
    assert list_runs(used.store, search="for the talk")[0].id == run


@pytest.mark.slow
def test_a_batch_is_called_what_people_call_it(used):
    run = list_runs(used.store)[3].id

    def rename(title: str) -> str:
        said = {"act": "rename", "run": run, "title": title}
        return run_history.mark(used, said, "", "", False, 0, 12)["history"]

    named = rename("  the one\nfor the talk ")
    assert listed(named)[3] == "the one for the talk" and "prompt 9, CFG" in named
    assert [one.id for one in list_runs(used.store, search="FOR the talk")] == [run]
    assert (
        "the one for the talk" in run_history.mark(used, {"act": "forget", "run": run}, "", "", False, 0, 12)["history"]
    )
    run_history.mark(used, {"act": "recall", "run": run}, "", "", False, 0, 12)
    with pytest.raises(InputError, match="121 letters"):
        rename("x" * 121)
    assert listed(rename(""))[3] == listed(rename("prompt 9"))[3] == "prompt 9"


@pytest.mark.slow
def test_days_leave_what_is_older_out(used):
    cursor = "UPDATE runs SET created = created - INTERVAL 3 DAY WHERE run IN (SELECT run FROM runs ORDER BY created LIMIT 12)"
    with used.store.transaction() as transaction:
        transaction.execute(cursor).fetchall()
    assert listed(run_history.show(used, "", "", False, 1, 12)["history"]) == ["a red circle"]
    assert len(listed(run_history.show(used, "", "", False, 7, 12)["history"])) == 12


@pytest.mark.slow
def test_grids_stand_among_the_batches_and_are_marked_like_them(used, config):
    cell = fakes.add_cell(used.store, Prompt("two rings"), config("spo"))
    grid = Grid(
        "0" * 16, datetime.now(UTC), "two rings", "CFG 1, 4 by Seed 0, 1", "two rings spo", "{}", (cell.cell,), (0, 1)
    )
    keep_grid(used.store, grid)
    shown = run_history.show(used, "", "", False, 0, 12)["history"]
    assert listed(shown)[:2] == ["two rings", "a red circle"] and len(listed(shown)) == 12
    assert (
        "Grid: CFG 1, 4 by Seed 0, 1" in shown and f"?tab=grid&amp;grid={grid.id}" in shown and "0.webp?small" in shown
    )
    assert listed(run_history.show(used, "", "by SEED", False, 0, 12)["history"]) == ["two rings"]

    def act(act: str, **more: str) -> str:
        return run_history.mark(used, {"act": act, "run": grid.id, **more}, "", "", False, 0, 12)["history"]

    assert listed(act("rename", title="both"))[0] == "both"
    assert listed(run_history.show(used, "", "BOTH", False, 0, 12)["history"]) == ["both"]
    act("rename", title="")
    act("star"), act("note", note="for the talk")
    assert listed(run_history.show(used, "", "talk", True, 0, 12)["history"]) == ["two rings"]
    gone = act("forget")
    assert "two rings" not in listed(gone) and "Undo" in gone
    assert listed(act("recall"))[0] == "two rings"
    with pytest.raises(InputError, match="no grid"):
        run_history.mark(used, {"act": "star", "run": "f" * 16}, "", "", False, 0, 12)
