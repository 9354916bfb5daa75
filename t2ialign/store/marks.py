"""What people noted about checkpoints and runs: a star, out of sight, a line of text."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from t2ialign.store.database import Store, insert

LONGEST_NOTE = 500


@dataclass(frozen=True)
class Mark:
    """A checkpoint's star, whether charts leave it out, and a note."""

    starred: bool = False
    hidden: bool = False
    note: str = ""


@dataclass(frozen=True)
class RunMark:
    """A run's star, whether the history leaves it out, and a note."""

    starred: bool = False
    forgotten: bool = False
    note: str = ""


def marks(store: Store) -> dict[str, Mark]:
    """The marks of all checkpoints that have any."""
    rows = store.rows("SELECT checkpoint, starred, hidden, note FROM checkpoint_marks")
    return {name: Mark(*row) for name, *row in rows}


def set_mark(store: Store, checkpoint: str, mark: Mark) -> None:
    """Store a checkpoint's mark in place of the one before."""
    row = {"checkpoint": checkpoint, **asdict(mark), "note": mark.note.strip()[:LONGEST_NOTE]}
    with store.transaction() as cursor:
        columns = ", ".join(f"{name} = excluded.{name}" for name in ("starred", "hidden", "note"))
        insert(cursor, "checkpoint_marks", [row], f"DO UPDATE SET {columns}")


def run_marks(store: Store) -> dict[str, RunMark]:
    """The marks of all runs that have any, by id."""
    rows = store.rows("SELECT run, starred, forgotten, coalesce(note, '') FROM run_marks")
    return {run: RunMark(*row) for run, *row in rows}


def set_run_mark(store: Store, run: str, mark: RunMark) -> None:
    """Store a run's mark in place of the one before."""
    row = {"run": run, **asdict(mark), "note": mark.note.strip()[:LONGEST_NOTE]}
    with store.transaction() as cursor:
        columns = ", ".join(f"{name} = excluded.{name}" for name in ("starred", "forgotten", "note"))
        insert(cursor, "run_marks", [row], f"DO UPDATE SET {columns}")
