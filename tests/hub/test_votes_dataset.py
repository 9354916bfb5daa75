"""Against a stand-in for the Hub on this disk, and against no Hub at all."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from t2ialign.hub.votes_dataset import NoRepository, committed_votes, fetch_votes, kept_votes, pull_study, push_study
from t2ialign.store import ingest_votes, open_store
from t2ialign.store.studies import study_of
from t2ialign.store.votes import answers_of, begin_survey, record_answer
from t2ialign.study.answers import Answer
from t2ialign.types import InputError
from tests.hub.disk_hub import DiskHub, missing


@pytest.fixture
def hub(tmp_path: Path) -> DiskHub:
    return DiskHub(tmp_path / "hub")


@pytest.mark.slow
def test_a_study_is_pushed_with_pictures_and_card(answered, hub: DiskHub):
    address = push_study(answered.store, answered.study, "me/votes", api=hub)
    assert address == "https://huggingface.co/datasets/me/votes"
    assert hub.private == {"me/votes": True}
    names = {path.name for path in (hub.root / "me/votes").iterdir()}
    assert {"README.md", "votes.parquet", "pairs.parquet", "manifest.json", "pictures"} <= names


@pytest.mark.slow
def test_a_study_on_the_hub_is_pulled_into_another_store(answered, hub: DiskHub, tmp_path: Path):
    push_study(answered.store, answered.study, "me/votes", api=hub)
    with open_store(tmp_path / "other") as other:
        study, count = pull_study(other, "me/votes", api=hub)
        assert (study.id, study.state, count) == (answered.study, "closed", 12)
        with pytest.raises(NoRepository):
            pull_study(other, "me/nothing", api=hub)


@pytest.mark.slow
def test_a_space_that_restarts_goes_on_where_it_was(answered, hub: DiskHub, tmp_path: Path):
    store, study = answered.store, answered.study
    fetch_votes(store.home, "me/live", api=hub)  # the first life: no dataset yet
    with committed_votes(store.home, "me/live", minutes=60, api=hub):
        survey = begin_survey(store, study, "x").survey
        record_answer(store, study, survey.id, survey.trials[0].id, Answer((0,)), 5)
    votes = answers_of(store, study)
    assert hub.private["me/live"] is True
    assert hub.squashed
    home = tmp_path / "second life"
    fetch_votes(home, "me/live", api=hub)
    with open_store(home) as reborn:
        assert ingest_votes(reborn) == len(votes)
        assert answers_of(reborn, study) == votes
        assert study_of(reborn, study).state == "open"
        assert record_answer(reborn, study, survey.id, survey.trials[1].id, Answer((0,)), 5)


def test_what_is_here_is_never_overwritten_by_what_was_there(answered, hub: DiskHub):
    with committed_votes(answered.store.home, "me/live", minutes=60, api=hub):
        pass
    survey = begin_survey(answered.store, answered.study, "x").survey
    path = answered.store.home / "votes" / f"{answered.study}.jsonl"
    newer = path.read_text()
    assert survey.id in newer
    fetch_votes(answered.store.home, "me/live", api=hub)
    assert path.read_text() == newer


@pytest.mark.slow
def test_offline_is_one_sentence(answered, tmp_path: Path):
    for call in (
        lambda: push_study(answered.store, answered.study, "me/votes"),
        lambda: fetch_votes(tmp_path / "home2", "me/votes"),
        lambda: committed_votes(answered.store.home, "me/votes").__enter__(),
    ):
        with pytest.raises(InputError) as raised:
            call()
        assert "The Hub cannot be reached for me/votes" in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_dataset_that_is_not_there_is_said(answered, hub: DiskHub, monkeypatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise missing()

    monkeypatch.setattr(hub, "upload_folder", refuse)
    with pytest.raises(NoRepository, match="no repository me/votes"):
        push_study(answered.store, answered.study, "me/votes", api=hub)


def test_without_a_dataset_nothing_is_kept_elsewhere(answered):
    with kept_votes(answered.store.home, "") as trouble:
        assert trouble() == ""


@pytest.mark.slow
def test_votes_are_fetched_then_committed_and_flushed(answered, hub: DiskHub, tmp_path: Path):
    with kept_votes(answered.store.home, "me/live", api=hub) as trouble:
        assert trouble() == ""
        survey = begin_survey(answered.store, answered.study, "x").survey
    home = tmp_path / "second life"
    with kept_votes(home, "me/live", api=hub), open_store(home) as reborn:
        ingest_votes(reborn)
        assert record_answer(reborn, answered.study, survey.id, survey.trials[0].id, Answer((0,)), 5)
    with kept_votes(tmp_path / "third life", "me/live", api=hub):
        assert survey.trials[0].id in (tmp_path / "third life/votes" / f"{answered.study}.jsonl").read_text()


@pytest.mark.slow
def test_what_cannot_be_fetched_is_not_overwritten(answered, hub: DiskHub, monkeypatch):
    with kept_votes(answered.store.home, "me/live", api=hub):
        pass
    before = {path: path.read_bytes() for path in hub.root.rglob("*") if path.is_file()}

    def offline(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(hub, "snapshot_download", offline)
    with kept_votes(answered.store.home, "me/live", api=hub) as trouble:
        assert "cannot be reached for me/live (no route to host)" in trouble() and "is lost when" in trouble()
        begin_survey(answered.store, answered.study, "x")
    assert {path: path.read_bytes() for path in hub.root.rglob("*") if path.is_file()} == before


def test_a_commit_that_fails_is_said_and_raised_at_the_end(answered, hub: DiskHub, monkeypatch):
    def full(*_: Any, **__: Any) -> None:
        raise OSError("storage quota exceeded")

    monkeypatch.setattr(hub, "create_commit", full)
    with (
        pytest.raises(InputError, match="quota"),
        kept_votes(answered.store.home, "me/live", api=hub) as trouble,
    ):
        deadline = time.monotonic() + 10
        while not trouble() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert "storage quota exceeded" in trouble() and "tried again" in trouble()
