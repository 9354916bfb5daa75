"""Votes and the Hub: a study pushed as a dataset, and, on a Space, the votes' folder committed every few minutes.

A Space's disk is forgotten when it restarts. So the folder ``votes`` (shards, manifests, pictures of opened studies) is
fetched from a private dataset first and committed to it from then on, and once more when the app stops.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from huggingface_hub import CommitScheduler, HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from t2ialign.files import write_whole
from t2ialign.hub.study_folder import export_folder
from t2ialign.store import Store
from t2ialign.types import InputError

MINUTES = 5.0
FOLDER = "votes"


class NoDataset(InputError):
    """The dataset does not exist, or this token may not know of it."""


@runtime_checkable
class Api(Protocol):
    """``huggingface_hub.HfApi``, as far as it is used here."""

    def create_repo(self, repo_id: str, **options: Any) -> Any: ...

    def upload_folder(self, **options: Any) -> Any: ...

    def snapshot_download(self, repo_id: str, **options: Any) -> Any: ...


def push_study(store: Store, study: str, repo_id: str, private: bool = True, api: Api | None = None) -> str:
    """Upload a study as a dataset with pictures and card; returns its address.

    Raises:
        InputError: nothing to export, no such right, or no way to the Hub.
    """
    hub = api or HfApi()
    with tempfile.TemporaryDirectory(prefix="t2ialign-study-") as name, _in_plain_words(repo_id):
        folder = export_folder(store, study, Path(name))
        hub.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True)
        hub.upload_folder(repo_id=repo_id, repo_type="dataset", folder_path=folder, commit_message=f"The study {study}")
    return f"https://huggingface.co/datasets/{repo_id}"


def fetch_votes(home: Path, repo_id: str, api: Api | None = None) -> None:
    """Bring back what an earlier life of this Space has committed; files that are here already stay as they are.

    Raises:
        InputError: no way to the Hub. (A dataset that does not exist yet is no error: there is nothing to bring back.)
    """
    hub = api or HfApi()
    with tempfile.TemporaryDirectory(prefix="t2ialign-votes-") as name:
        try:
            with _in_plain_words(repo_id):
                hub.snapshot_download(repo_id, repo_type="dataset", allow_patterns=f"{FOLDER}/**", local_dir=name)
        except NoDataset:
            return
        for path in sorted((Path(name) / FOLDER).rglob("*")):
            target = home / FOLDER / path.relative_to(Path(name) / FOLDER)
            if path.is_file() and not target.exists():
                write_whole(target, path.read_bytes(), sync=True)


@contextmanager
def committed_votes(home: Path, repo_id: str, minutes: float = MINUTES, api: Any = None) -> Iterator[None]:
    """As long as the block lasts, commit the votes' folder to a private dataset; flushed at the end.

    Call ``fetch_votes`` before: what is committed replaces the dataset's files. Its history is squashed, so that a
    withdrawn survey is gone from there as well. Raises ``InputError`` where the dataset cannot be made.
    """
    with _in_plain_words(repo_id):
        scheduler = CommitScheduler(
            repo_id=repo_id,
            repo_type="dataset",
            folder_path=home / FOLDER,
            path_in_repo=FOLDER,
            every=minutes,
            private=True,
            squash_history=True,
            hf_api=api,
        )
    try:
        yield
    finally:
        with _in_plain_words(repo_id):
            scheduler.trigger().result()
        scheduler.stop()


@contextmanager
def _in_plain_words(repo_id: str) -> Iterator[None]:
    try:
        yield
    except RepositoryNotFoundError as error:
        raise NoDataset(f"There is no dataset {repo_id} on the Hub that your token may use.") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no answer"
        raise InputError(
            f"The Hub refused {repo_id} ({status}): log in with a token that may write to it (hf auth login)."
        ) from error
    except Exception as error:  # what a missing network raises is spread over several libraries
        said = str(error).partition("\n")[0][:120]
        raise InputError(f"The Hub cannot be reached for {repo_id} ({said}): your votes are safe here.") from error
