"""Seed batches in and out: a picture that is stored, and still what its name says, is never made again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.store import images
from t2ialign.store.database import Store
from t2ialign.store.errors import in_plain_words
from t2ialign.store.filters import ALL, CELLS, Filters
from t2ialign.store.records import CellRecord, PictureRecord, config_of
from t2ialign.store.writing import insert_records
from t2ialign.types import GenerationConfig, InputError, Prompt, SeedBatch, cell_key


@dataclass(frozen=True)
class Cell:
    """One config with one prompt, and the seeds whose pictures (or thumbnails at least) are stored."""

    key: str
    prompt: Prompt
    config: GenerationConfig
    seeds: tuple[int, ...]


def add_batch(store: Store, batch: SeedBatch, seconds: float = math.nan) -> None:
    """Store a batch's pictures; on return they are on disk. Adding again changes nothing.

    ``seconds`` is what the whole batch took. Where a picture is stored already the stored one stays, so score what
    ``load_batch`` returns.
    """
    record = record_batch(store.home, batch, seconds)
    with store.transaction([batch.prompt.key]) as cursor:
        insert_records(store.home, cursor, [record])


def record_batch(home: Path, batch: SeedBatch, seconds: float = math.nan) -> CellRecord:
    """A batch's record, its pictures written as files of the store in ``home``; any process may do this."""
    pictures = []
    numbers = zip(batch.mutual_information.tolist(), batch.mutual_information_released.tolist())
    maps = batch.mutual_information_map
    shares = [None] * len(batch.seeds) if maps is None else [images.encode_map(share) for share in maps]
    for seed, image, (paper, released), share in zip(batch.seeds, batch.images, numbers, shares):
        data = images.encode(image)
        with in_plain_words(home):
            sha = images.write(home, data)
        small, each = images.thumbnail(data), seconds / len(batch.seeds)
        pictures.append(PictureRecord(seed, sha, small, paper, released, each, share))
    return CellRecord(batch.prompt, batch.config, tuple(pictures))


def missing_seeds(store: Store, config: GenerationConfig, prompt: Prompt, seeds: Sequence[int]) -> tuple[int, ...]:
    """Those of ``seeds`` whose picture is not stored, or was changed or lost on disk, in the order given."""
    stored = _contents(store, cell_key(config, prompt), seeds)
    return tuple(seed for seed in seeds if seed not in stored)


def count_pictures(store: Store, wanted: Mapping[str, Sequence[int]]) -> int:
    """How many pictures the cells have of the seeds named for each, whether or not their files are still whole."""
    sql = """
        SELECT count(*) FROM images
        JOIN (SELECT unnest(?::VARCHAR[]) AS cell, unnest(?::BIGINT[]) AS seed) USING (cell, seed)
    """
    rows = [(cell, seed) for cell, seeds in wanted.items() for seed in seeds]
    ((count,),) = store.rows(sql, [list(column) for column in zip(*rows)] or [[], []])
    return int(count)


def load_batch(store: Store, config: GenerationConfig, prompt: Prompt, seeds: Sequence[int]) -> SeedBatch:
    """The stored part of a batch, in the order of ``seeds``; its own ``seeds`` say which (perhaps none)."""
    stored = _contents(store, cell_key(config, prompt), seeds)
    found = [seed for seed in seeds if seed in stored]
    pixels = [images.decode(stored[seed][0]) for seed in found]
    return SeedBatch(
        prompt=prompt,
        config=config,
        seeds=tuple(found),
        images=torch.stack(pixels) if pixels else torch.empty(0, 3, config.height, config.width, dtype=torch.uint8),
        mutual_information=torch.tensor([stored[seed][1] for seed in found], dtype=torch.float32),
        mutual_information_released=torch.tensor([stored[seed][2] for seed in found], dtype=torch.float32),
    )


def load_picture(store: Store, cell: str, seed: int) -> bytes | None:
    """One picture's lossless WebP, or ``None`` where only its thumbnail is stored (or nothing)."""
    found = _contents(store, cell, [seed])
    return found[seed][0] if found else None


def load_map(store: Store, cell: str, seed: int) -> Float[Tensor, "y x"] | None:
    """Each latent cell's share, in nats, of a picture's mutual information; None where it was not kept."""
    sql = """
        SELECT map, mutual_information FROM images JOIN information_maps USING (image) WHERE cell = ? AND seed = ?
    """
    return next((images.decode_map(data, total) for data, total in store.rows(sql, [cell, seed])), None)


def pictures(store: Store, cell: str) -> list[PictureRecord]:
    """A cell's pictures in the order of their seeds, with thumbnails; for what lies behind a point of the chart."""
    sql = """
        SELECT seed, sha, thumbnail, mutual_information, mutual_information_released, seconds, map
        FROM images JOIN thumbnails USING (image) LEFT JOIN information_maps USING (image)
        WHERE cell = ? ORDER BY seed
    """
    return [PictureRecord(*row) for row in store.rows(sql, [cell])]


def covers(store: Store, cells: Iterable[str]) -> dict[str, bytes]:
    """One thumbnail a cell, that of its lowest seed."""
    sql = """
        SELECT cell, arg_min(thumbnail, seed) FROM images JOIN thumbnails USING (image)
        WHERE cell IN (SELECT unnest(?::VARCHAR[])) GROUP BY cell
    """
    return dict(store.rows(sql, [list(cells)]))


def undrawn(store: Store, cells: Iterable[str]) -> frozenset[str]:
    """Those of some cells of which no picture is here, not even a small one: their scores came without them."""
    sql = """
        SELECT cell FROM images JOIN thumbnails USING (image) WHERE cell IN (SELECT unnest(?::VARCHAR[]))
        GROUP BY cell HAVING max(octet_length(thumbnail)) = 0
    """
    return frozenset(cell for (cell,) in store.rows(sql, [list(cells)]))


def cell_keys(store: Store, config: str) -> dict[str, str]:
    """{a prompt's text: the key of its cell} of one config."""
    sql = "SELECT text, cell FROM cells JOIN prompts USING (prompt) WHERE config = $config ORDER BY cell"
    return dict(store.rows(sql, {"config": config}))


def list_cells(store: Store, filters: Filters = ALL) -> list[Cell]:
    """The cells that have pictures (or had, where their scores travelled), by checkpoint, guidance scale and prompt."""
    sql = f"""
        SELECT cell, any_value(text), any_value(category), any_value(tags), any_value(record), list(seed ORDER BY seed)
        FROM {CELLS} JOIN images USING (cell) WHERE {filters.where}
        GROUP BY cell ORDER BY any_value(checkpoint), any_value(guidance_scale), any_value(text), cell
    """
    return [
        Cell(cell, Prompt(text, category, tuple(tags)), config_of(record), tuple(seeds))
        for cell, text, category, tags, record, seeds in store.rows(sql, filters.params())
    ]


def find_cell(store: Store, cell: str) -> Cell:
    """One cell by its key; ``InputError`` if there is none."""
    found = list_cells(store, Filters(cells=(cell,)))
    if not found:
        raise InputError(f"No pictures are stored under {cell[:40]!r}: generate them first, or check the link.")
    return found[0]


def _contents(store: Store, cell: str, seeds: Sequence[int]) -> dict[int, tuple[bytes, float, float]]:
    """Intact picture files by seed, with the two mutual informations."""
    sql = """
        SELECT seed, image, sha, mutual_information, mutual_information_released
        FROM images WHERE cell = ? AND seed IN (SELECT unnest(?::BIGINT[]))
    """
    rows = store.rows(sql, [cell, list(seeds)])
    files = {image: images.read(store.home, sha) for _, image, sha, *_ in rows}
    lost = [image for image, data in files.items() if data is None]
    if lost:
        sql = "SELECT image, thumbnail FROM thumbnails WHERE image IN (SELECT unnest(?::VARCHAR[]))"
        files |= dict(store.rows(sql, [lost]))
    found = ((seed, files[image], sha, paper, released) for seed, image, sha, paper, released in rows)
    return {
        seed: (data, paper, released)
        for seed, data, sha, paper, released in found
        if data and images.digest(data) == sha
    }
