"""What can go wrong with a store's files, each as one sentence that says what to do about it."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from t2ialign.types import InputError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT)
NO_FOLDER = (errno.EEXIST, errno.ENOTDIR)
DAMAGE = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)
ELSEWHERE = "choose another folder with --store or T2IALIGN_HOME"


class StoreTrouble(InputError):
    """Something is wrong with the store's own files. The sentence names folders of this machine: it is for the owner."""


class StoreBusy(InputError):
    """Another process holds the store."""


def read_only(home: Path) -> str:
    return f"The store {home} cannot be written: give yourself permission to, or {ELSEWHERE}."


def owners_alone(home: Path) -> str:
    return f"The store {home} is in use by another process, and only that one can do this: use its page, or close it first."


def in_use(home: Path, holder: str) -> str:
    """``holder`` is the other process as ``(PID 7)``, or empty where that is not known."""
    return f"The store {home} is in use by another process{' ' + holder if holder else ''}: close that first, or {ELSEWHERE}."


def full(home: Path) -> str:
    return (
        f"The disk of the store {home} is full: free some space and try again; what was stored before is still there."
    )


def closed(home: Path) -> str:
    return f"The store {home} has been closed: start the program again."


def newer(home: Path) -> str:
    return f"The store {home} was written by a newer version of t2ialign: update this one, or {ELSEWHERE}."


def older(home: Path) -> str:
    return f"The store {home} is of an older version and cannot be written to update it: copy it, or {ELSEWHERE}."


def unsuitable(home: Path) -> str:
    return f"The store {home} has a question mark in its path, which DuckDB cannot open: {ELSEWHERE}."


@contextmanager
def in_plain_words(home: Path) -> Iterator[None]:
    """Turns the errors of disks and of DuckDB's files into ``StoreTrouble``; every other error passes as it is."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StoreTrouble(full(home)) from error
        if error.errno in FORBIDDEN:
            raise StoreTrouble(read_only(home)) from error
        if error.errno in NO_FOLDER:
            raise StoreTrouble(f"{home} is not a folder, and a store is one: {ELSEWHERE}.") from error
        if isinstance(error, shutil.Error) and (found := _of_system(home, str(error))):  # of a whole folder: no errno
            raise found from error
        raise
    except duckdb.ConnectionException as error:
        raise StoreTrouble(closed(home)) from error
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        if isinstance(error, duckdb.InvalidInputException) and (said := _not_held(reason)):
            raise InputError(said) from error
        found = _of_system(home, reason)
        if found is None and not isinstance(error, DAMAGE) and "WAL" not in reason:
            raise
        raise found or StoreTrouble(_unusable(home, reason)) from error


def _not_held(reason: str) -> str:
    """What is wrong with a value that no table can hold; empty where it is something else."""
    if "cannot encode str as UTF-8" in reason:
        return "A text holds half a letter, which can be neither kept nor looked for: type it again."
    return "A number is larger than any that is kept here." if "integer too large" in reason else ""


def _of_system(home: Path, reason: str) -> InputError | None:
    """DuckDB's own words about the operating system's refusals, told as ours."""
    if "Could not set lock" in reason:
        holder = re.search(r"\(PID \d+\)", reason)
        return StoreBusy(in_use(home, holder[0] if holder else ""))
    if re.search("No space left|File too large|quota exceeded", reason, re.IGNORECASE):
        return StoreTrouble(full(home))
    if re.search("Permission denied|Read-only file system|not permitted", reason):
        return StoreTrouble(read_only(home))
    return None


def _unusable(home: Path, reason: str) -> str:
    file = "t2ialign.duckdb.wal (what came last)" if "WAL" in reason else "t2ialign.duckdb"
    return f"The store {home} cannot be used ({reason.rstrip('.!?')}): move its {file} away, or {ELSEWHERE}."
