"""Exported tables as a store to read: the same queries over Parquet, in a folder, a dataset of the Hub or a bucket."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

import duckdb

from t2ialign.settings import SCORES
from t2ialign.store.database import Store
from t2ialign.store.migrations import migrate
from t2ialign.store.upkeep import take_table
from t2ialign.types import InputError

VIEW = """
    CREATE VIEW {table} AS SELECT * EXCLUDE (file_row_number), file_row_number AS rowid
    FROM read_parquet('{file}', file_row_number = true)
"""  # the queries join tables by their rows' numbers
ELSEWHERE = "name a folder that `t2ialign store export` wrote"
HEAVY = {"thumbnails", "information_maps"}  # pictures: no number depends on them
Files = dict[str, str]
"""{table: the address of its file}."""


def open_tables(place: str) -> Store:
    """What ``upkeep.write_tables`` wrote, read where it lies; nothing is copied, and writing is refused.

    ``place``: a folder, or whatever fsspec opens (``hf://datasets/you/results``, ``s3://bucket/results``), whose package
    has to be installed. Many machines may read the same tables at once. Where it holds such folders instead, as machines that
    shared a sweep leave them, their rows become one store in memory, without pictures: what several have counts once.

    Raises:
        InputError: no tables are there, or nothing reaches them.
    """
    with ExitStack() as held:
        connection = held.enter_context(closing(duckdb.connect()))
        first, *others = _parts(connection, place)
        if others:
            _gather(connection, place, [first, *others])
        else:
            for table, file in first.items():
                said = file.replace("'", "''")
                connection.execute(VIEW.format(table=table, file=said)).fetchall()
        return Store(Path(place), connection, True, held.pop_all())


def _gather(connection: duckdb.DuckDBPyConnection, place: str, parts: list[Files]) -> None:
    """The rows of all parts in the tables of a new store; of one key the first part's row counts."""
    migrate(connection, Path(place))
    known = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    for part in parts:
        if odd := sorted(set(part) ^ known):
            raise InputError(
                f"A part of the tables at {place!r} was not written by this version of t2ialign ({', '.join(odd)}): export it "
                "again with this one."
            )
        for table in sorted(known - HEAVY):
            take_table(connection, table, part[table])


def _parts(connection: duckdb.DuckDBPyConnection, place: str) -> list[Files]:
    """The files of the tables that lie there, or of each folder there that has some; DuckDB is told how to reach them."""
    from fsspec.core import url_to_fs

    try:
        files, root = url_to_fs(place)
        found = [_tables_in(files.ls(root, detail=False))]
        if SCORES not in found[0]:
            folders = sorted(row["name"] for row in files.ls(root, detail=True) if row["type"] == "directory")
            found = [_tables_in(files.ls(folder, detail=False)) for folder in folders]
    except Exception as error:  # whatever a file system of others says
        reason = str(error).partition("\n")[0].rstrip(".")
        raise InputError(f"The tables at {place!r} cannot be read ({reason}): {ELSEWHERE}.") from error
    parts = [part for part in found if SCORES in part]
    if not parts:
        raise InputError(f"There are no tables at {place!r}: {ELSEWHERE}.")
    if "file" in (files.protocol if isinstance(files.protocol, tuple) else (files.protocol,)):
        return parts
    connection.register_filesystem(files)
    return [{table: files.unstrip_protocol(name) for table, name in part.items()} for part in parts]


def _tables_in(names: list[str]) -> Files:
    return {Path(name).stem: name for name in sorted(names) if name.endswith(".parquet")}
