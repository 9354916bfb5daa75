"""A prompt set added on the page: the owner's alone, then among the examples, and of use on the other pages."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from t2ialign.dashboard.align import new_run
from t2ialign.dashboard.explore import add_prompts
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.study import handlers as study
from t2ialign.dashboard.tradeoff import handlers as tradeoff
from t2ialign.store import list_benchmarks
from t2ialign.types import InputError
from t2ialign.use_cases.batches import prompt_sets

OWNER, STRANGER = Visitor("mine"), Visitor("another", "1.2.3.4", owner=False)


@pytest.fixture
def shelved(services: Services) -> Services:
    """Services as the page has them: prompt sets are read from the store's folder too."""
    return replace(services, shelf=partial(prompt_sets.every, services.bench.home, "everyday"))


def test_a_file_that_was_sent_up_is_a_set_on_every_page(shelved: Services, tmp_path: Path) -> None:
    (tmp_path / "Mine Own.tsv").write_text("Prompt\tCategory\na red circle\tcolor\na red circle\tcolor\n")
    begun = add_prompts.begin_import(shelved, OWNER, "", str(tmp_path / "Mine Own.tsv"), "mine", "", 0)
    assert begun["set_timer"].active
    assert shelved.downloads.wait("prompts mine", 60).status == "done"
    after = add_prompts.look_at_import(shelved, OWNER)
    assert "mine has 1 prompts" in after["set_answer"] and "1 of 2 rows" in after["set_answer"]
    assert ("Examples: mine", "mine") in after["prompt_set"].choices and after["prompt_set"].value == "mine"
    assert ("mine", "mine") in tradeoff.offer_prompts(shelved, "")["set_prompts"].choices
    assert ("mine", "mine") in study.offer_prompt_sets(shelved)["add_set"].choices
    assert "mine" in new_run.pick_method(shelved, "f_dpo", "base")["prompts"]["choices"]
    chosen = tradeoff.set_of_prompts(shelved, "", "mine", "own:2")["benchmark"]
    assert chosen.value in {row.key for row in list_benchmarks(shelved.store)}


def test_what_is_wrong_with_it_is_said(shelved: Services, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a;b\n")
    add_prompts.begin_import(shelved, OWNER, str(tmp_path / "x.csv"), None, "", "", None)
    shelved.downloads.wait("prompts mine", 60)
    after = add_prompts.look_at_import(shelved, OWNER)
    assert "separated by semicolons" in after["set_answer"] and "prompt_set" not in after
    with pytest.raises(InputError, match="Say where the prompts come from"):
        add_prompts.begin_import(shelved, OWNER, "", None, "", "", 0)
    with pytest.raises(InputError, match="Seeds are whole numbers"):
        tradeoff.set_of_prompts(shelved, "", "everyday", "many")


def test_strangers_add_nothing(shelved: Services, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("a ring\n")
    refused = add_prompts.begin_import(shelved, STRANGER, str(tmp_path / "x.txt"), None, "", "", 0)
    assert "belongs to the owner" in refused["set_answer"]
    assert shelved.downloads.look("prompts another") is None
    assert "belongs to the owner" in add_prompts.look_at_import(shelved, STRANGER)["set_answer"]


def test_a_set_that_cannot_be_read_is_told_to_the_owner_alone(shelved: Services) -> None:
    own = prompt_sets.own_folder(shelved.bench.home)
    own.mkdir(parents=True)
    (own / "bad.jsonl").write_text("{")
    told = add_prompts.unlisted_sets(shelved, OWNER)
    assert "The prompt set bad is not listed" in told["set_unlisted"]
    assert told["set_fold"].label == "Add a prompt set (1 not listed)"
    assert not add_prompts.unlisted_sets(shelved, STRANGER)["set_unlisted"]


def test_without_a_name_a_file_s_own_is_made_one(shelved: Services, tmp_path: Path) -> None:
    (tmp_path / "Mine Own.txt").write_text("a ring\n")
    add_prompts.begin_import(shelved, OWNER, "", str(tmp_path / "Mine Own.txt"), "", "", 0)
    assert shelved.downloads.wait("prompts mine", 60).status == "done"
    assert "mine-own has 1 prompts" in add_prompts.look_at_import(shelved, OWNER)["set_answer"]
