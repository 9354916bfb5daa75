"""Results and the Hub: on a Space, cells with pictures and scores, and trained adapters, committed to a private dataset.

A Space's disk is forgotten when it restarts, and its database cannot lie on a bucket. So the database stays on the local
disk, what is new goes into files that only ever appear (shards of the inbox's layout under names of their own, pictures by
their hash, adapters by name), and a fresh container takes them in again. Several containers may commit to one dataset:
their files never meet, and a cell that both have made is one.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi

from t2ialign.adapter_places import MANIFEST
from t2ialign.files import write_whole
from t2ialign.hub.api import NoRepository, in_plain_words
from t2ialign.store import Store
from t2ialign.store.images import path_of
from t2ialign.store.reference import export_reference
from t2ialign.types import InputError

MINUTES = 10.0
PLACES = {"cells": "inbox", "images": "images", "checkpoints": "checkpoints"}
"""The dataset's folders, and where their files belong in the store's."""
MARKS = """
    SELECT cell, concat((SELECT count(*) FROM images WHERE images.cell = cells.cell), ' ',
        (SELECT count(*) FROM batch_scores WHERE batch_scores.cell = cells.cell)) FROM cells ORDER BY cell
"""
_log = logging.getLogger(__name__)


def restore_results(home: Path, repo_id: str, api: Any = None) -> int:
    """Brings back what earlier containers have committed; returns how many files came. Call it before the store is opened.

    Files that are here already stay as they are. A dataset that does not exist yet is no error.

    Raises:
        InputError: no way to the Hub.
    """
    hub, came = api or HfApi(), 0
    with tempfile.TemporaryDirectory(prefix="t2ialign-results-") as name:
        try:
            with in_plain_words(repo_id):
                wanted = [f"{folder}/**" for folder in PLACES]
                hub.snapshot_download(repo_id, repo_type="dataset", allow_patterns=wanted, local_dir=name)
        except NoRepository:
            return 0
        for folder, place in PLACES.items():
            for path in sorted((Path(name) / folder).rglob("*")):
                target = home / place / path.relative_to(Path(name) / folder)
                if path.is_file() and not target.exists():
                    write_whole(target, path.read_bytes())
                    came += 1
    return came


def marks(store: Store) -> dict[str, str]:
    """Each cell with a text that changes when it has more pictures or scores."""
    return dict(store.rows(MARKS))


def commit_results(store: Store, repo_id: str, known: dict[str, str], sent: set[str], api: Any = None) -> int:
    """Commits what is not ``known`` and not ``sent``, and adds it to both; returns how many files went.

    Raises:
        InputError: no such right, or no way to the Hub; then everything is tried again later.
    """
    now = marks(store)
    changed = [cell for cell, mark in now.items() if known.get(cell) != mark and not mark.startswith("0 ")]
    files = {f"images/{sha[:2]}/{sha}.webp": path_of(store.home, sha) for sha in _shas(store, changed)}
    files |= {f"checkpoints/{path.parent.name}/{path.name}": path for path in _adapters(store.home)}
    new = {name: path for name, path in files.items() if name not in sent and path.is_file()}
    with tempfile.TemporaryDirectory(prefix="t2ialign-results-") as folder:
        if changed:
            shard = Path(folder) / f"space-{uuid.uuid4().hex}.parquet"
            export_reference(store, changed, shard)
            new[f"cells/{shard.name}"] = shard
        if not new:
            return 0
        with in_plain_words(repo_id):
            hub = api or HfApi()
            hub.create_repo(repo_id, repo_type="dataset", private=True, exist_ok=True)
            added = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=str(path)) for name, path in new.items()]
            message = f"{len(changed)} cells, {len(new)} files"
            hub.create_commit(repo_id, added, repo_type="dataset", commit_message=message)
    known |= {cell: now[cell] for cell in changed}
    sent |= set(new)
    return len(new)


@contextmanager
def kept_results(store: Store, repo_id: str, minutes: float = MINUTES, api: Any = None) -> Iterator[None]:
    """Commits what is new every few minutes, and once more at the end; nothing of it where ``repo_id`` is empty.

    What the store has when it begins is known already: it was shipped, or came from the dataset.
    """
    if not repo_id:
        yield
        return
    known, over = marks(store), threading.Event()
    sent = {f"checkpoints/{path.parent.name}/{path.name}" for path in _adapters(store.home)}

    def commit() -> None:
        try:
            commit_results(store, repo_id, known, sent, api)
        except InputError as error:
            _log.warning("Results could not be committed: %s It is tried again.", error)

    def watch() -> None:
        while not over.wait(60 * minutes):
            commit()

    thread = threading.Thread(target=watch, name="t2ialign-results", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        commit()


def _shas(store: Store, cells: list[str]) -> list[str]:
    sql = "SELECT DISTINCT sha FROM images WHERE cell IN (SELECT unnest(?::VARCHAR[])) ORDER BY sha"
    return [sha for (sha,) in store.rows(sql, [cells])]


def _adapters(home: Path) -> list[Path]:
    """The files of finished checkpoints; what is being written has a name that begins with a dot."""
    found = sorted((home / "checkpoints").glob("*/*"))
    whole = [
        path for path in found if path.suffix in (".safetensors", ".json") and not path.parent.name.startswith(".")
    ]
    return [path for path in whole if (path.parent / MANIFEST).is_file()]
