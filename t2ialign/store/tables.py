"""Exported tables as a store to read: the same queries over Parquet, in a folder, a dataset of the Hub or a bucket."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

import duckdb

from t2ialign.store.database import Store
from t2ialign.types import InputError

VIEW = """
    CREATE VIEW {table} AS SELECT * EXCLUDE (file_row_number), file_row_number AS rowid
    FROM read_parquet('{file}', file_row_number = true)
"""  # the queries join tables by their rows' numbers
ELSEWHERE = "name a folder that `t2ialign store export` wrote"


def open_tables(place: str) -> Store:
    """What ``upkeep.write_tables`` wrote, read where it lies; nothing is copied, and writing is refused.

    ``place``: a folder, or whatever fsspec opens (``hf://datasets/you/results``, ``s3://bucket/results``), whose package
    has to be installed. Many machines may read the same tables at once.

    Raises:
        InputError: no tables are there, or nothing reaches them.
    """
    with ExitStack() as held:
        connection = held.enter_context(closing(duckdb.connect()))
        for file in _files(connection, place):
            said = file.replace("'", "''")
            connection.execute(VIEW.format(table=Path(file).stem, file=said)).fetchall()
        return Store(Path(place), connection, True, held.pop_all())


def _files(connection: duckdb.DuckDBPyConnection, place: str) -> list[str]:
    """The addresses of the tables' files; DuckDB is told how to reach them."""
    from fsspec.core import url_to_fs

    try:
        files, root = url_to_fs(place)
        found = sorted(name for name in files.ls(root, detail=False) if name.endswith(".parquet"))
    except Exception as error:  # whatever a file system of others says
        reason = str(error).partition("\n")[0].rstrip(".")
        raise InputError(f"The tables at {place!r} cannot be read ({reason}): {ELSEWHERE}.") from error
    if "batch_scores" not in {Path(name).stem for name in found}:
        raise InputError(f"There are no tables at {place!r}: {ELSEWHERE}.")
    if "file" in (files.protocol if isinstance(files.protocol, tuple) else (files.protocol,)):
        return found
    connection.register_filesystem(files)
    return [files.unstrip_protocol(name) for name in found]
