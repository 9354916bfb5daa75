"""The shipped reference: really scored cells in small Parquet files, taken in on first start and made by the same code.

The layout is that of ``records``. Pictures travel as thumbnails; those of at most 128 pixels and 8 kB as a rule are
whole, so that the embedded world's can be shown, scored and compared like one's own. Where pictures would take too much
room, scores travel alone: each picture's row then has its hash and no thumbnail, so that charts and intervals are the same,
what is asked for is drawn again, and its scores stay where that is the same picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from t2ialign.files import write_whole
from t2ialign.store.batches import find_cell, pictures
from t2ialign.store.database import Store
from t2ialign.store.errors import in_plain_words
from t2ialign.store.images import digest
from t2ialign.store.inbox import note, parquet, take
from t2ialign.store.records import CellRecord, PictureRecord, ScoreRecord, from_table, to_table
from t2ialign.store.scores import notes_of, records_of
from t2ialign.types import InputError, Prompt

PREFIX = "reference/"


def ingest_reference(store: Store, folder: Path) -> int:
    """Take in the Parquet files of a folder, each content once; returns how many were new.

    One that cannot be read is noted (``list_set_aside``) and left where it is.
    """
    return sum(take_reference(store, file) for file in untaken_reference(store, folder))


def untaken_reference(store: Store, folder: Path) -> list[Path]:
    """The Parquet files of a folder whose content the store has not; none where it cannot be written to."""
    if store.read_only:
        return []
    known = {path for (path,) in store.rows("SELECT path FROM ingested WHERE starts_with(path, ?)", [PREFIX])}
    return [file for file in sorted(folder.glob("*.parquet")) if _name(file.read_bytes()) not in known]


def export_reference(
    store: Store,
    cells: Iterable[str],
    path: Path,
    keep: Callable[[ScoreRecord], bool] = lambda score: True,
    seed: Callable[[Prompt, int], bool] = lambda prompt, seed: True,
    early: int = 0,
    scores_only: bool = False,
) -> int:
    """Write cells with thumbnails and the scores to ``keep`` as one Parquet file; returns its size in bytes.

    Of each prompt only pictures of the ``seed``s that are wanted, and only scores of those. Scores of an ``early`` look on so
    many pictures or fewer stay behind where a cell has more. ``scores_only``: without thumbnails, and without the maps of the
    pictures' information.
    """
    records = [_cell_record(store, cell, keep, seed, early) for cell in cells]
    if scores_only:
        records = [replace(one, pictures=tuple(map(_bare, one.pictures))) for one in records]
    data = parquet(to_table(records), "cells")
    with in_plain_words(path.parent):
        write_whole(path, data)
    return len(data)


def _bare(picture: PictureRecord) -> PictureRecord:
    return replace(picture, thumbnail=b"", information_map=None)


def _cell_record(
    store: Store, key: str, keep: Callable[[ScoreRecord], bool], seed: Callable[[Prompt, int], bool], early: int
) -> CellRecord:
    cell = find_cell(store, key)
    wanted = {one for one in cell.seeds if seed(cell.prompt, one)}
    shown = tuple(one for one in pictures(store, key) if one.seed in wanted)
    fewest = 0 if len(wanted) <= early else early + 1
    made = (one for one in records_of(store, key) if keep(one) and wanted.issuperset(one.seeds))
    scores = tuple(one for one in made if len(one.seeds) >= fewest)
    return CellRecord(cell.prompt, cell.config, shown, scores, notes_of(store, key))


def pictured(folder: Path) -> dict[str, frozenset[int]]:
    """{a cell: the seeds of which the Parquet files of a folder hold pictures}.

    Raises:
        InputError: a file that cannot be read.
    """
    found: dict[str, frozenset[int]] = {}
    for file in sorted(folder.glob("*.parquet")):
        try:
            records = from_table(pq.read_table(file))
        except Exception as error:  # whoever wrote it: it can be wrong in any way
            said = str(error).partition("\n")[0]
            raise InputError(f"{file} could not be read ({said}): move it out of the folder.") from error
        for record in records:
            seeds = frozenset(shown.seed for shown in record.pictures if shown.thumbnail)
            found[record.cell] = found.get(record.cell, frozenset()) | seeds
    return found


def _name(data: bytes) -> str:
    """Under which a file's content is known once it is taken."""
    return f"{PREFIX}{digest(data)}"


def take_reference(store: Store, file: Path) -> bool:
    """Take in one file; whether it was new."""
    data = file.read_bytes()
    name = _name(data)
    try:
        return take(store, name, data)
    except InputError:
        raise
    except Exception as error:  # a half-fetched file must not keep the dashboard from starting
        said = str(error).partition("\n")[0]
        note(store, name, f"{file} could not be read ({said}): fetch it again.")
        return False
