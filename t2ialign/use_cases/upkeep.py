"""A store brought up to date with the files beside it: shards of other processes, those set aside, votes of a crash."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from t2ialign import store
from t2ialign.store import Store
from t2ialign.store.quota import evict
from t2ialign.types import InputError

_log = logging.getLogger(__name__)


def repair(opened: Store) -> list[str]:
    """Takes in what waits and tries again what was set aside; a sentence for each thing that was done or could not be."""
    inbox = opened.home / "inbox"
    known = set(store.list_set_aside(opened))
    again = sorted((inbox / "set_aside").glob("*.parquet"))
    for shard in again:
        with suppress(FileNotFoundError):
            shard.replace(inbox / shard.name)
    taken = store.ingest_inbox(opened)
    votes = store.ingest_votes(opened)
    said = [f"{taken} shards were taken in.", f"{votes} votes were taken in that only their files held."]
    left = sorted(path.name for path in (inbox / "set_aside").glob("*.parquet"))
    said += [f"{name} still cannot be read and stays in {inbox / 'set_aside'}." for name in left]
    return [*said, *(reason for reason in store.list_set_aside(opened) if reason not in known)]


@contextmanager
def bounded_pictures(opened: Store, megabytes: int, seconds: float = 600.0) -> Iterator[None]:
    """Keeps the pictures' files below a bound (``store.quota``), looking now and then for as long as the block lasts."""
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            try:
                found = evict(opened, megabytes * 1_000_000)
                if found.files:
                    _log.info("%d pictures (%.1f MB) that nobody needed made room.", found.files, found.freed / 1e6)
            except InputError as error:  # the store has trouble of its own: it is tried again
                _log.warning("Room for pictures could not be made: %s", error)
            over.wait(seconds)

    thread = threading.Thread(target=watch, name="t2ialign-quota", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
