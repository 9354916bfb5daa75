"""Votes and the Hub: a study pushed as a dataset, and, on a Space, the votes' folder committed every few minutes.

A Space's disk is forgotten when it restarts. So the folder ``votes`` (shards, manifests, pictures of opened studies) is
fetched from a private dataset first and committed to it from then on, and once more when the app stops (``kept_votes``).
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from huggingface_hub import CommitScheduler, HfApi

from t2ialign.files import write_whole
from t2ialign.hub.api import Api, NoRepository, in_plain_words
from t2ialign.hub.study_folder import export_folder, import_folder
from t2ialign.store import Store
from t2ialign.store.studies import Study
from t2ialign.types import InputError

_log = logging.getLogger(__name__)
MINUTES = 5.0
FOLDER = "votes"
LOST = "What people answer now is lost when this Space restarts: mend it, then restart the Space."


def push_study(store: Store, study: str, repo_id: str, private: bool = True, api: Api | None = None) -> str:
    """Upload a study as a dataset with pictures and card; returns its address.

    Raises:
        InputError: nothing to export, no such right, or no way to the Hub.
    """
    hub = api or HfApi()
    with tempfile.TemporaryDirectory(prefix="t2ialign-study-") as name, in_plain_words(repo_id):
        folder = export_folder(store, study, Path(name))
        hub.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True)
        hub.upload_folder(repo_id=repo_id, repo_type="dataset", folder_path=folder, commit_message=f"The study {study}")
    return f"https://huggingface.co/datasets/{repo_id}"


def pull_study(store: Store, repo_id: str, api: Api | None = None) -> tuple[Study, int]:
    """The study of a dataset that ``push_study`` made, closed; how many votes were new.

    Raises:
        InputError: no way to the Hub, no such dataset, or none of a study.
    """
    hub = api or HfApi()
    with tempfile.TemporaryDirectory(prefix="t2ialign-study-") as name:
        with in_plain_words(repo_id):
            hub.snapshot_download(repo_id, repo_type="dataset", local_dir=name)
        return import_folder(store, Path(name))


def fetch_votes(home: Path, repo_id: str, api: Api | None = None) -> None:
    """Bring back what an earlier life of this Space has committed; files that are here already stay as they are.

    Raises:
        InputError: no way to the Hub. (A dataset that does not exist yet is no error: there is nothing to bring back.)
    """
    hub = api or HfApi()
    with tempfile.TemporaryDirectory(prefix="t2ialign-votes-") as name:
        try:
            with in_plain_words(repo_id):
                hub.snapshot_download(repo_id, repo_type="dataset", allow_patterns=f"{FOLDER}/**", local_dir=name)
        except NoRepository:
            return
        for path in sorted((Path(name) / FOLDER).rglob("*")):
            target = home / FOLDER / path.relative_to(Path(name) / FOLDER)
            if path.is_file() and not target.exists():
                write_whole(target, path.read_bytes(), sync=True)


@contextmanager
def kept_votes(home: Path, repo_id: str, api: Any = None) -> Iterator[Callable[[], str]]:
    """Fetches the votes, then commits them as long as the block lasts; nothing of it where ``repo_id`` is empty.

    Enter it before the store is opened. What it yields says in one sentence what is wrong now ("" = nothing). Where the
    votes cannot be fetched nothing is committed either: that would replace what the dataset has. Raises ``InputError`` at
    the end if the last commit fails.
    """
    with ExitStack() as stack:
        yield _begun(stack, home, repo_id, api) if repo_id else str


def _begun(stack: ExitStack, home: Path, repo_id: str, api: Any) -> Callable[[], str]:
    try:
        fetch_votes(home, repo_id, api)
        scheduler = stack.enter_context(committed_votes(home, repo_id, api=api))
    except InputError as error:
        sentence = f"Votes are not committed to the Hub. {error} {LOST}"
        _log.warning(sentence)
        return lambda: sentence
    return partial(_trouble, scheduler, repo_id)


def _trouble(scheduler: CommitScheduler, repo_id: str) -> str:
    """Whether the newest commit that is over has failed."""
    future: Future[Any] | None = getattr(scheduler, "last_future", None)  # set by the scheduler's own thread
    error = future.exception() if future is not None and future.done() else None
    if error is None:
        return ""
    said = str(error).partition("\n")[0][:120]
    return f"The last commit of the votes to {repo_id} failed ({said}): it is tried again every {MINUTES:g} minutes."


@contextmanager
def committed_votes(home: Path, repo_id: str, minutes: float = MINUTES, api: Any = None) -> Iterator[CommitScheduler]:
    """As long as the block lasts, commit the votes' folder to a private dataset; flushed at the end.

    Call ``fetch_votes`` before: what is committed replaces the dataset's files. Its history is squashed, so that a
    withdrawn survey is gone from there as well. Raises ``InputError`` where the dataset cannot be made.
    """
    with in_plain_words(repo_id):
        scheduler = CommitScheduler(
            repo_id=repo_id,
            repo_type="dataset",
            folder_path=home / FOLDER,
            path_in_repo=FOLDER,
            every=minutes,
            private=True,
            ignore_patterns="*.part",
            squash_history=True,
            hf_api=api,
        )
    try:
        yield scheduler
    finally:
        try:
            with in_plain_words(repo_id):
                scheduler.trigger().result()
        finally:
            scheduler.stop()
