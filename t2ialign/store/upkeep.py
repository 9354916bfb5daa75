"""A store looked after: looked through, saved, written out as Parquet and read in again. Nothing here deletes a row."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from t2ialign.files import write_whole
from t2ialign.store import images
from t2ialign.store.connection import Cursor
from t2ialign.store.database import FILE, Store
from t2ialign.store.errors import in_plain_words
from t2ialign.types import InputError

BESIDE = ("images", "votes", "checkpoints")  # folders that belong to a store's tables
ORPHANS = {
    "cells whose settings or prompt are gone": """
        SELECT count(*) FROM cells LEFT JOIN configs USING (config) LEFT JOIN prompts USING (prompt)
        WHERE record IS NULL OR text IS NULL
    """,
    "pictures of no cell": "SELECT count(*) FROM images ANTI JOIN cells USING (cell)",
    "pictures without a thumbnail": "SELECT count(*) FROM images ANTI JOIN thumbnails USING (image)",
    "scores of no cell": "SELECT count(*) FROM batch_scores ANTI JOIN cells USING (cell)",
    "scores whose seeds are unknown": "SELECT count(*) FROM batch_scores ANTI JOIN seed_sets USING (seed_set)",
}


@dataclass(frozen=True)
class Health:
    """What a look through a store found: rows by table, and a sentence for each thing that is wrong.

    ``thumbnails_only``: pictures of cells of which only small copies or scores are here, as of some shipped runs; no fault.
    """

    rows: Mapping[str, int]
    wrong: tuple[str, ...]
    waiting: int
    thumbnails_only: int

    @property
    def sound(self) -> bool:
        return not self.wrong


def check(store: Store) -> Health:
    """Reads every row of every table, looks for rows that belong to nothing and for picture files that are gone."""
    rows: dict[str, int] = {}
    wrong: list[str] = []
    for table in _tables(store):
        try:
            ((rows[table], _),) = store.rows(f"SELECT count(*), bit_xor(hash(row)) FROM {table} row")
        except InputError as error:
            wrong.append(f"The table {table} cannot be read: {error}")
    if wrong:
        return Health(rows, tuple(wrong), _waiting(store), 0)
    for what, sql in ORPHANS.items():
        ((count,),) = store.rows(sql)
        if count:
            wrong.append(f"There are {count} {what}.")
    lost, small = _missing_files(store)
    if lost:
        wrong.append(f"{lost} pictures have no file any more, only a thumbnail: what asks for them makes them again.")
    return Health(rows, tuple(wrong), _waiting(store), small)


def backup(store: Store, folder: Path) -> Path:
    """Copies the store, with pictures, votes and checkpoints, into a new folder, which can be opened like the store itself."""
    with _new_folder(folder):
        store.copy_to(folder / FILE)
        for name in BESIDE:
            if (store.home / name).is_dir():
                shutil.copytree(store.home / name, folder / name)
    return folder


def write_tables(store: Store, folder: Path, pictures: bool = False) -> dict[str, int]:
    """Every table as ``TABLE.parquet`` in a new folder, of one moment, with the picture files if wanted; rows by table."""
    with _new_folder(folder), store.snapshot() as cursor:
        written = {}
        for table in _tables(store):
            place = str(folder / f"{table}.parquet").replace("'", "''")
            ((written[table],),) = cursor.execute(f"COPY {table} TO '{place}' (FORMAT parquet)").fetchall()
        if pictures and (store.home / "images").is_dir():
            shutil.copytree(store.home / "images", folder / "images")
    return written


def read_tables(store: Store, folder: Path) -> dict[str, int]:
    """Takes in what ``write_tables`` wrote, all of it or nothing; a row whose key is there already stays as it is.

    Returns how many rows were new, by table.

    Raises:
        InputError: the folder holds no such files, or those of another version.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.parquet"))}
    known = _tables(store)
    if "migrations" not in files:
        raise InputError(f"{folder} holds no exported store: name the folder that `t2ialign store export` wrote.")
    if set(files) != set(known):
        odd = ", ".join(sorted(set(files) ^ set(known)))
        raise InputError(
            f"{folder} was not written by this version of t2ialign ({odd}): export it again with this one."
        )
    with in_plain_words(store.home):
        _take_pictures(store.home, folder)
        with store.transaction() as cursor:
            return {table: take_table(cursor, table, str(files[table])) for table in known}


def _take_pictures(home: Path, folder: Path) -> None:
    """The exported pictures that are not here, or not whole; one that is here and whole is not touched."""
    for path in sorted((folder / "images").glob("*/*.webp")):
        if images.SHA.fullmatch(path.stem) and images.read(home, path.stem) is None:
            write_whole(images.path_of(home, path.stem), path.read_bytes())


def take_table(cursor: Cursor, table: str, file: str) -> int:
    """The rows of an exported table whose key is not there yet; returns how many."""
    ((before,),) = cursor.execute(f"SELECT count(*) FROM {table}").fetchall()
    keyed = "SELECT count(*) FROM duckdb_constraints() WHERE table_name = ? AND constraint_type = 'PRIMARY KEY'"
    rows = "SELECT * FROM read_parquet(?)"
    if cursor.execute(keyed, [table]).fetchall()[0][0]:
        sql = f"INSERT INTO {table} BY NAME {rows} ON CONFLICT DO NOTHING"
    else:
        sql = f"INSERT INTO {table} BY NAME ({rows} EXCEPT SELECT * FROM {table})"
    cursor.execute(sql, [file]).fetchall()
    ((after,),) = cursor.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(after - before)


def _tables(store: Store) -> list[str]:
    sql = "SELECT table_name FROM duckdb_tables() WHERE NOT internal AND NOT temporary ORDER BY table_name"
    return [name for (name,) in store.rows(sql)]


def _waiting(store: Store) -> int:
    return len(list((store.home / "inbox").glob("*.parquet")))


def _missing_files(store: Store) -> tuple[int, int]:
    """How many pictures have lost their file while others of their cell have one, and how many of cells that have none.

    Thumbnails that are the whole picture need no file.
    """
    sql = "SELECT sha, cell FROM images JOIN thumbnails USING (image) WHERE sha256(thumbnail) <> sha"
    rows: list[tuple[str, str]] = store.rows(sql)
    there = {cell for sha, cell in rows if images.path_of(store.home, sha).is_file()}
    gone = [cell for sha, cell in rows if not images.path_of(store.home, sha).is_file()]
    lost = sum(cell in there for cell in gone)
    return lost, len(gone) - lost


@contextmanager
def _new_folder(folder: Path) -> Iterator[None]:
    """A folder that is there with all of it or, where something goes wrong, is empty again, so that the same can be tried."""
    with in_plain_words(folder):
        if folder.exists() and any(_inside(folder)):
            raise InputError(f"{folder} is not empty: name a new folder.")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            yield
        except BaseException:
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            raise


def _inside(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: name a new one.")
    return folder.iterdir()
