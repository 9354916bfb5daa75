"""The store's own checkpoints on the page: renamed, annotated, deleted and brought back by the owner alone."""

from __future__ import annotations

import json

import pytest

from t2ialign.dashboard.explore import own_checkpoints
from t2ialign.dashboard.explore.own_checkpoints import list_own, move_own, save_own, show_own
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.checkpoint_menu import story
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.samplers import UsualRun
from t2ialign.types import InputError
from t2ialign.use_cases.batches.usual import usual_of

OWNER, STRANGER = Visitor("mine"), Visitor("another", "1.2.3.4", owner=False)


@pytest.fixture
def mine(services: Services) -> Services:
    folder = services.bench.home / "checkpoints" / "mine"
    folder.mkdir(parents=True)
    backbone = services.checkpoints()["base"].backbone
    (folder / "manifest.json").write_text(json.dumps({"kind": "lora", "backbone": backbone, "title": "Mine"}))
    return services


def test_it_is_renamed_with_a_note_and_a_licence_that_menus_show(mine: Services) -> None:
    assert list_own(mine, OWNER)["own_chosen"].choices == [("mine", "mine")]
    shown = show_own(mine, OWNER, "mine")
    assert (shown["own_name"], shown["own_note"]) == ("mine", "") and shown["own_save"].interactive
    saved = save_own(mine, OWNER, "mine", "better", "step 2000", "mit", None, None, "")
    assert "mine is better now" in saved["own_answer"] and saved["own_chosen"].value == "better"
    assert ("better", "better") in saved["checkpoints"].choices and ("mine", "mine") not in saved["checkpoints"].choices
    assert story(mine.checkpoints()["better"]) == "step 2000 Licence: mit."


def test_its_makers_numbers_are_written_down_and_taken_back(mine: Services) -> None:
    said = save_own(mine, OWNER, "mine", "mine", "", "", 4, 1.5, "lcm")
    assert (said["own_steps"], said["own_scale"], said["own_scheduler"]) == (4, 1.5, "lcm")
    assert usual_of("mine", mine.bench.home) == UsualRun("lcm", 4, 1.5)
    with pytest.raises(InputError, match="The scheduler lcm takes at most 50 steps, not 60"):
        save_own(mine, OWNER, "mine", "another", "", "", 60, 1.5, "lcm")
    with pytest.raises(InputError, match="Its makers' steps is 4.5; fill in a whole number"):
        save_own(mine, OWNER, "mine", "mine", "", "", 4.5, None, "")
    assert usual_of("mine", mine.bench.home).steps == 4, "what was refused changed nothing"
    save_own(mine, OWNER, "mine", "mine", "", "", None, None, "")
    assert usual_of("mine", mine.bench.home) == UsualRun()


def test_it_is_deleted_and_brought_back(mine: Services) -> None:
    gone = move_own(mine, OWNER, "mine")
    assert "mine" not in mine.checkpoints() and "mine is deleted" in gone["own_answer"]
    assert gone["own_chosen"].choices == [("mine (deleted)", "mine")] and gone["own_delete"].value == "Bring back"
    assert not gone["own_save"].interactive
    assert "mine is back" in move_own(mine, OWNER, "mine")["own_answer"] and "mine" in mine.checkpoints()


def test_what_cannot_be_done_is_a_sentence_and_changes_nothing(mine: Services) -> None:
    with pytest.raises(InputError, match="needs a name of letters"):
        save_own(mine, OWNER, "mine", "a+b", "", "", None, None, "")
    with pytest.raises(InputError, match="There is a checkpoint called base already"):
        save_own(mine, OWNER, "mine", "base", "", "", None, None, "")
    for name in (None, "base", "nobody"):
        with pytest.raises(InputError, match="Choose one of your checkpoints first"):
            move_own(mine, OWNER, name)
    assert set(mine.checkpoints()) >= {"mine", "base"}


def test_strangers_see_and_change_nothing(mine: Services) -> None:
    for answer in (
        list_own(mine, STRANGER),
        show_own(mine, STRANGER, "mine"),
        save_own(mine, STRANGER, "mine", "theirs", "", ""),
        move_own(mine, STRANGER, "mine"),
    ):
        assert set(answer) == {"own_answer"} and "belongs to the owner" in answer["own_answer"]
    assert "mine" in mine.checkpoints() and own_checkpoints.NONE_YET not in list_own(mine, OWNER)["own_answer"]
