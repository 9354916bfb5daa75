"""Many cells at once: what is there of each, for plans of thousands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from t2ialign.store import images
from t2ialign.store.database import Store
from t2ialign.types import GenerationConfig, content_key

SAMPLED_FILES = 200


@dataclass(frozen=True)
class WantedBatch:
    """A seed batch: a cell and the seeds that are wanted of it."""

    cell: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Tally:
    """How many pictures of a seed batch are there, and the (metric, version) of every score of exactly its seeds."""

    pictures: int = 0
    scores: frozenset[tuple[str, str]] = frozenset()

    def has(self, metrics: Iterable[str]) -> bool:
        """Whether there is a score of each metric, of whichever version."""
        return {metric for metric, _ in self.scores}.issuperset(metrics)


def tally(store: Store, wanted: Sequence[WantedBatch]) -> list[Tally]:
    """What the tables have of each seed batch, in their order; whether the files are still whole is not looked at."""
    if not wanted:
        return []
    table = pa.table(
        {
            "place": range(len(wanted)),
            "cell": [one.cell for one in wanted],
            "seeds": [list(one.seeds) for one in wanted],
            "seed_set": [content_key(sorted(one.seeds)) for one in wanted],
        }
    )
    with store.snapshot() as cursor:
        cursor.register("wanted", table)
        counted = """
            SELECT place, count(*) FROM (SELECT place, cell, unnest(seeds) AS seed FROM wanted)
            JOIN images USING (cell, seed) GROUP BY place
        """
        pictures = dict(cursor.execute(counted).fetchall())
        scored = """
            SELECT place, list(metric), list(version) FROM wanted JOIN batch_scores USING (cell, seed_set) GROUP BY place
        """
        scores = {place: frozenset(zip(*named)) for place, *named in cursor.execute(scored).fetchall()}
        cursor.unregister("wanted")
    nothing: frozenset[tuple[str, str]] = frozenset()
    return [Tally(pictures.get(place, 0), scores.get(place, nothing)) for place in range(len(wanted))]


def size_of_pictures(store: Store, config: GenerationConfig) -> float | None:
    """Bytes that a picture of a config's size takes with its thumbnail, by some that are stored; None where none is."""
    sql = """
        SELECT sha, octet_length(thumbnail) FROM images JOIN thumbnails USING (image) JOIN cells USING (cell)
        JOIN configs USING (config)
        WHERE (record->>'$.height')::INTEGER = ? AND (record->>'$.width')::INTEGER = ? AND configs.backbone = ? LIMIT ?
    """
    rows = store.rows(sql, [config.height, config.width, config.backbone, SAMPLED_FILES])
    sizes = [small + (len(data) if data else small) for sha, small in rows for data in (images.read(store.home, sha),)]
    return sum(sizes) / len(sizes) if sizes else None
