"""A store brought up to date with the files beside it: shards of other processes, those set aside, votes of a crash."""

from __future__ import annotations

from contextlib import suppress

from t2ialign import store
from t2ialign.store import Store


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
