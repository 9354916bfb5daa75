"""Against a stand-in for the Hub on this disk, and against no Hub at all."""

from __future__ import annotations

import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from huggingface_hub.errors import RepositoryNotFoundError

from t2ialign.hub.votes_dataset import NoDataset, committed_votes, fetch_votes, push_study
from t2ialign.store import ingest_votes, open_store
from t2ialign.store.studies import study_of
from t2ialign.store.votes import answers_of, begin_survey, record_answer
from t2ialign.study.answers import Answer
from t2ialign.types import InputError


@dataclass
class DiskHub:
    """What ``HfApi`` does, on a folder."""

    root: Path
    private: dict[str, bool] = field(default_factory=dict)
    squashed: int = 0
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def create_repo(self, repo_id: str, repo_type: str, private: bool, exist_ok: bool) -> Any:
        self.private.setdefault(repo_id, private)
        return SimpleNamespace(repo_id=repo_id)

    def upload_folder(self, repo_id: str, repo_type: str, folder_path: Path, commit_message: str) -> None:
        shutil.copytree(folder_path, self.root / repo_id, dirs_exist_ok=True)

    def create_commit(self, repo_id: str, operations: list, **_: Any) -> None:
        for operation in operations:
            target = self.root / repo_id / operation.path_in_repo
            target.parent.mkdir(parents=True, exist_ok=True)
            with operation.as_file() as file:
                target.write_bytes(file.read())

    def super_squash_history(self, **_: Any) -> None:
        self.squashed += 1

    def run_as_future(self, deed: Any) -> Future:
        return self.pool.submit(deed)

    def snapshot_download(self, repo_id: str, repo_type: str, allow_patterns: str, local_dir: str) -> None:
        if repo_id not in self.private:
            raise missing()
        shutil.copytree(self.root / repo_id, local_dir, dirs_exist_ok=True)


def missing() -> RepositoryNotFoundError:
    try:
        response = httpx.Response(404, request=httpx.Request("GET", "https://huggingface.co"))
        return RepositoryNotFoundError("no such repository", response=response)
    except Exception:
        return RepositoryNotFoundError.__new__(RepositoryNotFoundError)


@pytest.fixture
def hub(tmp_path: Path) -> DiskHub:
    return DiskHub(tmp_path / "hub")


def test_a_study_is_pushed_with_pictures_and_card(answered, hub: DiskHub):
    address = push_study(answered.store, answered.study, "me/votes", api=hub)
    assert address == "https://huggingface.co/datasets/me/votes"
    assert hub.private == {"me/votes": True}
    names = {path.name for path in (hub.root / "me/votes").iterdir()}
    assert {"README.md", "votes.parquet", "pairs.parquet", "manifest.json", "pictures"} <= names


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
    with pytest.raises(NoDataset, match="no dataset me/votes"):
        push_study(answered.store, answered.study, "me/votes", api=hub)
