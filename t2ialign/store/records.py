"""One layout for everything that travels: a cell with its pictures and scores, as records and as Parquet rows.

The owner's own writes, the inbox and the shipped reference all are ``CellRecord``s, so the same code stores them. One
Parquet row is one cell; DuckDB, pandas and the Hub's viewer read it as it is. Numbers are kept as float64.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any, TypeVar

import pyarrow as pa
import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.codec import decode
from t2ialign.metrics.scoring import image_effects, pair_effects
from t2ialign.store.images import SHA
from t2ialign.types import Axis, GenerationConfig, Level, Prompt, Score, cell_key, content_key

SCHEMA = pa.schema(
    {
        "prompt": pa.struct({"text": pa.string(), "category": pa.string(), "tags": pa.list_(pa.string())}),
        "config": pa.string(),
        "pictures": pa.list_(
            pa.struct(
                {
                    "seed": pa.int64(),
                    "sha": pa.string(),
                    "thumbnail": pa.binary(),
                    "mutual_information": pa.float64(),
                    "mutual_information_released": pa.float64(),
                    "seconds": pa.float64(),
                    "information_map": pa.binary(),
                }
            )
        ),
        "scores": pa.list_(
            pa.struct(
                {
                    "seeds": pa.list_(pa.int64()),
                    "metric": pa.string(),
                    "version": pa.string(),
                    "axis": pa.string(),
                    "level": pa.string(),
                    "values": pa.list_(pa.float64()),
                    "mean": pa.float64(),
                    "lo": pa.float64(),
                    "hi": pa.float64(),
                }
            )
        ),
        "notes": pa.list_(pa.string()),
    }
)
Made = TypeVar("Made")
LATER = ("notes",)  # columns that files of earlier versions lack


@dataclass(frozen=True)
class PictureRecord:
    """A stored picture: ``sha`` names its lossless file, ``thumbnail`` is WebP (the picture if that is its hash).

    Where only scores travelled the thumbnail is empty: what was scored is known by its hash, and can be drawn again.
    ``information_map`` is ``images.encode_map`` of the mutual information's shares, None where it was not kept.
    """

    seed: int
    sha: str
    thumbnail: bytes
    mutual_information: float
    mutual_information_released: float
    seconds: float
    information_map: bytes | None = None


@dataclass(frozen=True)
class ScoreRecord:
    """A score with its seeds in ascending order; ``values`` of pairs are the upper triangle, row by row."""

    seeds: tuple[int, ...]
    metric: str
    version: str
    axis: Axis
    level: Level
    values: tuple[float, ...]
    mean: float
    lo: float
    hi: float

    @cached_property
    def seed_set(self) -> str:
        return _set_of(self.seeds)

    @classmethod
    def of(cls, score: Score, seeds: Sequence[int]) -> ScoreRecord:
        order = torch.tensor(sorted(range(len(seeds)), key=seeds.__getitem__), dtype=torch.long)
        values = _upper(_picked(score.values.detach().cpu().double(), score.level, order), score.level)
        return cls(
            tuple(sorted(seeds)),
            score.metric,
            score.version,
            score.axis,
            score.level,
            values,
            score.mean,
            score.lo,
            score.hi,
        )

    def score(self, seeds: Sequence[int]) -> Score:
        """The score with its values in the order of ``seeds``, the same set."""
        order = torch.tensor([self.seeds.index(seed) for seed in seeds], dtype=torch.long)
        values = _picked(
            square(torch.tensor(self.values, dtype=torch.float64), self.level, len(seeds)), self.level, order
        )
        return Score(self.metric, self.version, self.axis, self.level, values, self.mean, self.lo, self.hi)


@dataclass(frozen=True)
class CellRecord:
    """One config with one prompt, and what is known of it; ``notes`` are sentences on what of the prompt was not read, etc."""

    prompt: Prompt
    config: GenerationConfig
    pictures: tuple[PictureRecord, ...] = ()
    scores: tuple[ScoreRecord, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def cell(self) -> str:
        return cell_key(self.config, self.prompt)


def effects_of(scores: Sequence[ScoreRecord]) -> list[list[float] | None]:
    """By how much each seed moves each score's mean (``metrics.scoring``), in the order of its seeds.

    NaN for a picture that was not scored, None where the value does not tell. Scores of a shape are computed at once.
    """
    found: list[list[float] | None] = [list(score.values[1:]) or None for score in scores]
    alike: dict[tuple[Level, int], list[int]] = defaultdict(list)
    for place, score in enumerate(scores):
        if score.level != "batch":
            alike[score.level, len(score.seeds)].append(place)
    for (level, n), places in alike.items():
        values = torch.tensor([scores[place].values for place in places], dtype=torch.float64)
        effects = pair_effects(square(values, level, n)) if level == "pair" else image_effects(values)
        for place, known in zip(places, effects.tolist(), strict=True):
            found[place] = known
    return found


def to_table(records: Iterable[CellRecord]) -> pa.Table:
    """Records as Parquet rows."""
    return pa.Table.from_pylist([asdict(record) | {"config": config_json(record.config)} for record in records], SCHEMA)


def from_table(table: pa.Table) -> list[CellRecord]:
    """Inverse of ``to_table``; raises whatever it meets (ArrowInvalid, KeyError, TypeError...) on another layout."""
    for name in LATER:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), SCHEMA.field(name).type))
    table = table.select(SCHEMA.names).cast(SCHEMA)
    columns = {name: table[name].combine_chunks() for name in SCHEMA.names}
    prompts, configs, notes = (columns[name].to_pylist() for name in ("prompt", "config", "notes"))
    pictures = _in_rows(columns["pictures"], _pictures)
    scores = _in_rows(columns["scores"], _scores)
    return [_record(*row) for row in zip(prompts, configs, pictures, scores, notes, strict=True)]


@lru_cache(maxsize=4096)
def _set_of(seeds: tuple[int, ...]) -> str:
    return content_key(list(seeds))


def config_json(config: GenerationConfig) -> str:
    """The canonical JSON text of a config."""
    return json.dumps(config.to_json(), sort_keys=True)


@lru_cache(maxsize=4096)
def config_of(text: str) -> GenerationConfig:
    """Inverse of ``config_json``."""
    return decode(GenerationConfig, json.loads(text))


def _in_rows(lists: pa.ListArray, made: Callable[[pa.StructArray], list[Made]]) -> Iterator[tuple[Made, ...]]:
    """The records of each row of a column of lists; all of them are made at once, which is several times quicker."""
    found = made(lists.flatten())
    begun = 0
    for length in lists.value_lengths().to_pylist():  # None for a list that is missing: a TypeError, as of any odd file
        yield tuple(found[begun : begun + length])
        begun += length


def _pictures(rows: pa.StructArray) -> list[PictureRecord]:
    return [PictureRecord(*values) for values in zip(*map(_plain, rows.flatten()), strict=True)]


def _scores(rows: pa.StructArray) -> list[ScoreRecord]:
    parts = dict(zip([field.name for field in rows.type], rows.flatten()))
    plain = [_in_tuples(part) if name in ("seeds", "values") else _plain(part) for name, part in parts.items()]
    return [ScoreRecord(*values) for values in zip(*plain, strict=True)]


def _in_tuples(lists: pa.ListArray) -> list[tuple[Any, ...]]:
    """Each list of a column of numbers."""
    lengths = lists.value_lengths().to_pylist()  # as above
    flat, ends = _plain(lists.flatten()), accumulate(lengths)
    return [tuple(flat[end - length : end]) for end, length in zip(ends, lengths)]


def _plain(values: pa.Array) -> list[Any]:
    """Python's own values; numbers by way of numpy, where none is missing."""
    numbers = pa.types.is_floating(values.type) or pa.types.is_integer(values.type)
    plain: list[Any] = values.to_numpy().tolist() if numbers and not values.null_count else values.to_pylist()
    return plain


def _record(
    prompt: dict[str, Any],
    config: str,
    pictures: tuple[PictureRecord, ...],
    scores: tuple[ScoreRecord, ...],
    notes: list[str] | None,
) -> CellRecord:
    said = Prompt(prompt["text"], prompt["category"], tuple(prompt["tags"]))
    record = CellRecord(said, config_of(config), pictures, scores, tuple(notes or ()))
    _check(record)
    return record


def _check(record: CellRecord) -> None:
    """Refuse a record, written by another process, whose parts do not fit together."""
    pictures, scores = record.pictures, record.scores
    if not all(isinstance(word, str) for word in (record.prompt.text, record.prompt.category, *record.prompt.tags)):
        raise ValueError("a prompt without text")
    if not all(isinstance(note, str) for note in record.notes):
        raise ValueError("a note without text")
    if not all(SHA.fullmatch(p.sha) and isinstance(p.seed, int) and isinstance(p.thumbnail, bytes) for p in pictures):
        raise ValueError("a picture without seed, hash or thumbnail")
    for score in scores:
        n = len(score.seeds)
        if len(score.values) not in {"image": (n,), "pair": (n * (n + 1) // 2,), "batch": (1, 1 + n)}[score.level]:
            raise ValueError(f"{score.metric} has {len(score.values)} values for {n} seeds")
        if list(score.seeds) != sorted(set(score.seeds)):
            raise ValueError(f"{score.metric} names its seeds twice or out of order")


def _picked(values: Float[Tensor, "..."], level: Level, order: Tensor) -> Float[Tensor, "..."]:
    """Values per seed (and seed) in another order."""
    if level == "batch":
        return torch.cat([values[:1], values[1:][order]]) if len(values) > 1 else values.reshape(1)
    return values[order] if level == "image" else values[order][:, order]


def _upper(values: Float[Tensor, "..."], level: Level) -> tuple[float, ...]:
    if level == "pair":
        rows, columns = torch.triu_indices(*values.shape)
        values = values[rows, columns]
    return tuple(values.tolist())


def square(values: Float[Tensor, "*b m"], level: Level, n: int) -> Float[Tensor, "..."]:
    """The symmetric matrix of an upper triangle; values of other levels as they are."""
    if level != "pair":
        return values
    rows, columns = _triangle(n)
    square = torch.empty(*values.shape[:-1], n, n, dtype=values.dtype)
    square[..., rows, columns] = values
    square[..., columns, rows] = values
    return square


@lru_cache(maxsize=64)
def _triangle(n: int) -> tuple[Tensor, Tensor]:
    rows, columns = torch.triu_indices(n, n)
    return rows, columns
