"""``Store``: the only owner of the DuckDB file, safe for threads.

DuckDB lets one process write, and no other even read meanwhile. That process holds a lock file of its own: DuckDB's lock
is POSIX's, which a process loses with the first descriptor of the database file that anything in it closes. Within the
process a connection shared by threads returns wrong rows, so every call takes a cursor of its own, drains it and closes
it; updates of one row conflict, so there is one write lock. A full disk can leave the database invalidated in memory (its
file is sound): it is reopened.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import duckdb
import filelock
import pyarrow as pa

from t2ialign import settings
from t2ialign.remembering import Memory
from t2ialign.store.connection import Cursor, Params
from t2ialign.store.errors import StoreBusy, StoreTrouble, in_plain_words, in_use, read_only, unsuitable
from t2ialign.store.migrations import migrate
from t2ialign.types import InputError

T = TypeVar("T")

FILE = settings.STORE
LOCK, HOLDER = "t2ialign.lock", "t2ialign.pid"  # held by the one process that writes, and which that is
MOST_REMEMBERED = 64  # answers
WRITES_TOLD_APART = 512  # the newest: what an answer from before them depends on is not known
HEADERS = 12_288  # bytes: a DuckDB file without its three headers holds nothing yet


class Store:
    """An open store. The functions of this package take it as their first argument; nothing else opens the file."""

    def __init__(self, home: Path, connection: Cursor, read_only: bool, held: ExitStack) -> None:
        self.home = home
        self.read_only = read_only
        self._connection = connection
        self._held = held
        self._writing = _lock_of(home.resolve())
        self._reviving = threading.Lock()
        self._writes = _writes_of(home.resolve())
        self._memory = Memory(MOST_REMEMBERED)

    def rows(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """All rows of one query."""
        with self._cursor() as cursor:
            found: list[tuple[Any, ...]] = cursor.execute(sql, params).fetchall()
            return found

    def remembered(self, question: Hashable, answer: Callable[[], T], prompts: frozenset[str] | None = None) -> T:
        """What ``answer`` says, asked again only once something was written: a page asks the same many times over.

        ``prompts`` are the keys of those on whose cells alone it depends, beside what is written seldom: writes about other
        prompts change nothing (None: it depends on any). The answer is shared: nobody may change it.
        """
        writes = self._writes
        return self._memory.ask(question, answer, writes.count, lambda then: not writes.matter(prompts, then))

    def copy_to(self, file: Path) -> None:
        """The tables of one moment as a new database; DuckDB copies, for a read of the file by others drops its lock."""
        with self._writing, self._cursor() as cursor:
            ((name,),) = cursor.execute("SELECT current_database()").fetchall()
            place = str(file).replace("'", "''")
            with in_plain_words(file.parent):
                cursor.execute(f"ATTACH '{place}' AS copied").fetchall()
                try:
                    cursor.execute(f'COPY FROM DATABASE "{name}" TO copied').fetchall()
                    cursor.execute("CHECKPOINT copied").fetchall()
                finally:
                    with suppress(duckdb.Error):  # what went wrong before is what is said
                        cursor.execute("DETACH copied").fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[Cursor]:
        """A cursor for several queries over one state of the store, and for temporary tables, which are gone afterwards."""
        with self._cursor() as cursor:
            cursor.begin()
            try:
                yield cursor
            finally:
                with suppress(duckdb.Error):
                    cursor.rollback()

    @contextmanager
    def transaction(self, prompts: Collection[str] | None = None) -> Iterator[Cursor]:
        """A cursor whose writes happen together or not at all; once it is left they are on disk. Does not nest.

        ``prompts`` are the keys of those whose cells alone it changes, where nothing else changes of what is remembered
        (None: anything may).
        """
        if self.read_only:
            raise StoreTrouble(read_only(self.home))
        with self._writing, self._cursor() as cursor:
            cursor.begin()
            try:
                yield cursor
                cursor.commit()
            except BaseException:
                with suppress(duckdb.Error):  # a commit that failed has ended the transaction already
                    cursor.rollback()
                raise
            finally:
                self._writes.add(None if prompts is None else frozenset(prompts))  # in the write lock, after the commit

    def close(self) -> None:
        """Write everything into the one file and let go of it."""
        with self._writing, in_plain_words(self.home), self._held:
            self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _cursor(self) -> Iterator[Cursor]:
        connection = self._connection
        try:
            with in_plain_words(self.home), closing(connection.cursor()) as cursor:
                yield cursor
        except InputError as error:
            if isinstance(error.__cause__, duckdb.FatalException):
                self._revive(connection)
            raise

    def _revive(self, dead: Cursor) -> None:
        """Connect anew after a fatal error, once however many threads met it."""
        with self._reviving, in_plain_words(self.home):
            if self._connection is dead:
                dead.close()
                self._connection = duckdb.connect(self.home / FILE, read_only=self.read_only)


def open_store(home: Path, read_only_ok: bool = False) -> Store:
    """Open (or make) the store in the folder ``home`` and bring its tables up to date.

    ``read_only_ok``: where the folder may not be written, open it for reading; each write then says so. Raises
    ``StoreBusy`` while another process holds the store, and ``InputError`` where it cannot be opened.
    """
    if "?" in str(home):  # taken for an address with a query: the write-ahead log would land elsewhere
        raise InputError(unsuitable(home))
    with in_plain_words(home):
        home.mkdir(parents=True, exist_ok=True)
        file = home / FILE
        writable = os.access(home, os.W_OK) and (not file.exists() or os.access(file, os.W_OK))
        if not writable and not (read_only_ok and file.exists()):
            raise InputError(read_only(home))
        with ExitStack() as held:
            if writable:
                held.enter_context(_alone(home.resolve()))
            connection = held.enter_context(closing(_connect(file, read_only=not writable)))
            migrate(connection, home, read_only=not writable)
            return Store(home, connection, not writable, held.pop_all())


def belongs_to(home: Path, path: Path) -> bool:
    """Whether a path lies in the store's folder, or is its database under another name. Opens neither."""
    if path.resolve().is_relative_to(home.resolve()):
        return True
    return path.exists() and any(own.exists() and own.samefile(path) for own in (home / FILE, home / f"{FILE}.wal"))


def insert(cursor: Cursor, table: str, rows: Sequence[Mapping[str, Any]], conflict: str = "DO NOTHING") -> None:
    """Insert records, all with the same fields, in one statement; ``conflict`` is what happens to a key that exists."""
    insert_columns(cursor, table, {name: [row[name] for row in rows] for name in rows[0]} if rows else {}, conflict)


def insert_columns(
    cursor: Cursor, table: str, columns: Mapping[str, Sequence[Any]], conflict: str = "DO NOTHING"
) -> None:
    """``insert`` for rows that come as columns, all of one length."""
    if not any(map(len, columns.values())):
        return
    cursor.register("incoming", pa.table(dict(columns)))
    cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming ON CONFLICT {conflict}").fetchall()
    cursor.unregister("incoming")


@dataclass
class _Writes:
    """How often something was written to a folder's store, whoever in this process has it open, and what the newest were."""

    count: int = 0
    newest: deque[frozenset[str] | None] = field(default_factory=lambda: deque(maxlen=WRITES_TOLD_APART))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, prompts: frozenset[str] | None) -> None:
        """One more, about cells of these prompts or about anything."""
        with self.lock:
            self.newest.append(prompts)
            self.count += 1

    def matter(self, prompts: frozenset[str] | None, since: int) -> bool:
        """Whether one that came after ``since`` may have changed something about these prompts (None: about any)."""
        with self.lock:
            more = self.count - since
            newer = [self.newest[-place] for place in range(1, min(more, len(self.newest)) + 1)]
        forgotten = more > len(newer)
        return forgotten or any(
            about is None or (about if prompts is None else not about.isdisjoint(prompts)) for about in newer
        )


@cache
def _writes_of(home: Path) -> _Writes:
    return _Writes()


@cache
def _lock_of(home: Path) -> AbstractContextManager[bool]:
    """The write lock of a folder, also where one process opens it twice."""
    return threading.Lock()


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """This process is the one that writes to a folder, however often it opens it. ``StoreBusy`` where another one is."""
    lock = filelock.FileLock(home / LOCK, timeout=0, thread_local=False, is_singleton=True)
    try:
        lock.acquire()
    except filelock.Timeout:
        holder = home / HOLDER
        pid = holder.read_text() if holder.is_file() else ""
        raise StoreBusy(in_use(home, f"(PID {pid})" if pid.isdecimal() else "")) from None
    try:
        (home / HOLDER).write_text(str(os.getpid()))
        yield
    finally:
        lock.release()


def _connect(file: Path, read_only: bool) -> Cursor:
    """Connect; a file whose making was cut short (killed, disk full) holds nothing and is made again."""
    try:
        return duckdb.connect(file, read_only=read_only)
    except duckdb.IOException:
        unborn = file.exists() and file.stat().st_size < HEADERS and not file.with_name(f"{FILE}.wal").exists()
        if read_only or not unborn:
            raise
        file.unlink()
        return duckdb.connect(file)
