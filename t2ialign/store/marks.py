"""What people noted about checkpoints and runs: a star, out of sight, a line of text."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace

from t2ialign.store.database import Store, insert
from t2ialign.types import InputError

LONGEST_NOTE = 500
LONGEST_TITLE = 40


@dataclass(frozen=True)
class Mark:
    """A checkpoint's star, whether charts leave it out, a note, and what people call it ("": by its name)."""

    starred: bool = False
    hidden: bool = False
    note: str = ""
    title: str = ""


@dataclass(frozen=True)
class RunMark:
    """A run's star, whether the history leaves it out, a note, and what people call it ("": by its prompt)."""

    starred: bool = False
    forgotten: bool = False
    note: str = ""
    title: str = ""


def marks(store: Store) -> dict[str, Mark]:
    """The marks of all checkpoints that have any."""
    sql = "SELECT checkpoint, starred, hidden, note, coalesce(title, '') FROM checkpoint_marks"
    return {name: Mark(*row) for name, *row in store.remembered("marks", lambda: store.rows(sql), frozenset())}


def titles(store: Store) -> dict[str, str]:
    """What people call the checkpoints that they have renamed, by name."""
    return {name: mark.title for name, mark in marks(store).items() if mark.title}


def rename_checkpoint(store: Store, checkpoint: str, title: str, known: Collection[str]) -> None:
    """Says what people call a checkpoint; "" is its own name again. ``known`` are the names of all checkpoints.

    Raises:
        InputError: another checkpoint is called so.
    """
    title, marked = " ".join(title.split()), marks(store)
    if len(title) > LONGEST_TITLE:
        raise InputError(f"A name of {len(title)} letters has no room on the chart: {LONGEST_TITLE} at most.")
    others = {name: name for name in known} | {name: mark.title or name for name, mark in marked.items()}
    taken = [name for name, called in others.items() if name != checkpoint and title in (name, called)]
    if title and taken:
        raise InputError(f"{taken[0]} is called {title} already: choose another name.")
    set_mark(store, checkpoint, replace(marked.get(checkpoint, Mark()), title="" if title == checkpoint else title))


def set_mark(store: Store, checkpoint: str, mark: Mark) -> None:
    """Store a checkpoint's mark in place of the one before."""
    row = {"checkpoint": checkpoint, **asdict(mark), "note": mark.note.strip()[:LONGEST_NOTE]}
    with store.transaction() as cursor:
        columns = ", ".join(f"{name} = excluded.{name}" for name in ("starred", "hidden", "note", "title"))
        insert(cursor, "checkpoint_marks", [row], f"DO UPDATE SET {columns}")


def run_marks(store: Store) -> dict[str, RunMark]:
    """The marks of all runs that have any, by id."""
    rows = store.rows("SELECT run, starred, forgotten, coalesce(note, ''), coalesce(title, '') FROM run_marks")
    return {run: RunMark(*row) for run, *row in rows}


def set_run_mark(store: Store, run: str, mark: RunMark) -> None:
    """Store a run's mark in place of the one before."""
    row = {"run": run, **asdict(mark), "note": mark.note.strip()[:LONGEST_NOTE], "title": mark.title[:LONGEST_NOTE]}
    with store.transaction() as cursor:
        columns = ", ".join(f"{name} = excluded.{name}" for name in ("starred", "forgotten", "note", "title"))
        insert(cursor, "run_marks", [row], f"DO UPDATE SET {columns}")
