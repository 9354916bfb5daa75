"""Cells that a process finds again without opening the store, which another process may hold.

A note is one cell's record (``records``) in ``training/cells/<cell>.parquet``. It is a memory, not a source: one that is
lost or damaged costs the work of making its pictures again, and nothing else.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from t2ialign.files import write_whole
from t2ialign.store import images
from t2ialign.store.errors import in_plain_words
from t2ialign.store.inbox import parquet
from t2ialign.store.records import CellRecord, PictureRecord, from_table, to_table
from t2ialign.store.tally import Tally, WantedBatch
from t2ialign.types import GenerationConfig, Prompt, Score, SeedBatch, cell_key

UNREADABLE = (OSError, pa.ArrowException, ValueError, KeyError, TypeError)


def note(home: Path, record: CellRecord) -> None:
    """Remember a cell's pictures and scores, beside those that were noted before; what is noted again is replaced."""
    known = noted(home, record.cell)
    if known is not None:
        pictures = {picture.seed: picture for picture in (*known.pictures, *record.pictures)}
        scores = {(s.metric, s.version, s.seeds): s for s in (*known.scores, *record.scores)}
        said = tuple(dict.fromkeys((*known.notes, *record.notes)))
        record = replace(record, pictures=tuple(pictures.values()), scores=tuple(scores.values()), notes=said)
    with in_plain_words(home):
        write_whole(_path(home, record.cell), parquet(to_table([record]), "cells"))


def noted(home: Path, cell: str) -> CellRecord | None:
    """What was noted of a cell; None where there is nothing that can be read."""
    try:
        return from_table(pq.read_table(io.BytesIO(_path(home, cell).read_bytes())))[0]
    except (*UNREADABLE, IndexError):
        return None


def noted_batch(home: Path, config: GenerationConfig, prompt: Prompt, seeds: Sequence[int]) -> SeedBatch:
    """The part of a batch whose pictures are noted and still what their names say; its ``seeds`` say which."""
    record = noted(home, cell_key(config, prompt))
    known = {} if record is None else {picture.seed: picture for picture in record.pictures}
    files = {seed: _file(home, known[seed]) for seed in seeds if seed in known}
    found = [seed for seed in seeds if files.get(seed) is not None]
    pixels = [images.decode(data) for seed in found if (data := files[seed]) is not None]
    return SeedBatch(
        prompt,
        config,
        tuple(found),
        torch.stack(pixels) if pixels else torch.empty(0, 3, config.height, config.width, dtype=torch.uint8),
        torch.tensor([known[seed].mutual_information for seed in found], dtype=torch.float32),
        torch.tensor([known[seed].mutual_information_released for seed in found], dtype=torch.float32),
    )


def noted_scores(home: Path, cell: str, seeds: Sequence[int]) -> list[Score]:
    """The noted scores of exactly these seeds, with values in the order of ``seeds``."""
    record = noted(home, cell)
    wanted = tuple(sorted(seeds))
    return [] if record is None else [score.score(seeds) for score in record.scores if score.seeds == wanted]


def said_of(home: Path, cell: str) -> tuple[str, ...]:
    """What people should know of a noted cell, in sentences."""
    record = noted(home, cell)
    return () if record is None else record.notes


def count_noted(home: Path, wanted: Mapping[str, Sequence[int]]) -> int:
    """How many pictures are noted of the cells, of the seeds named for each, whether or not their files are still whole."""
    found = ((noted(home, cell), frozenset(seeds)) for cell, seeds in wanted.items())
    return sum(picture.seed in seeds for record, seeds in found if record for picture in record.pictures)


def tally_noted(home: Path, wanted: Sequence[WantedBatch]) -> list[Tally]:
    """What is noted of each seed batch (``store.tally``)."""
    found, record, read = [], None, ""
    for one in sorted(range(len(wanted)), key=lambda index: wanted[index].cell):
        if read != wanted[one].cell:
            record, read = noted(home, wanted[one].cell), wanted[one].cell
        seeds = frozenset(wanted[one].seeds)
        there = sum(picture.seed in seeds for picture in record.pictures) if record else 0
        scores = ((s.metric, s.version) for s in record.scores if frozenset(s.seeds) == seeds) if record else ()
        found.append((one, Tally(there, frozenset(scores))))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _file(home: Path, picture: PictureRecord) -> bytes | None:
    """A picture's bytes: its file's, or its thumbnail's where that is the picture."""
    whole = images.digest(picture.thumbnail) == picture.sha
    return images.read(home, picture.sha) or (picture.thumbnail if whole else None)


def _path(home: Path, cell: str) -> Path:
    return home / "training" / "cells" / f"{cell}.parquet"
