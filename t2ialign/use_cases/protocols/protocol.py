"""One paper's experiment as a file (``data/protocols/NAME.toml``): what it draws, trains, measures, and what it published.

A row is the base, or what a method trains from it; with ``per_category`` one checkpoint a category of prompts, each
judged on that category alone. Published numbers are (mean) or (mean, standard deviation over prompts), one a column;
an empty one is a number that the paper does not have.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from t2ialign import settings
from t2ialign.codec import AS_OBJECT, decode
from t2ialign.files import foreign, text_of
from t2ialign.methods import METHODS
from t2ialign.metrics import NAMES
from t2ialign.metrics.distribution import DISTRIBUTIONS
from t2ialign.names import unknown
from t2ialign.types import InputError

FOLDER = settings.DATA / "protocols"
Unit = Literal["plain", "similarity", "percent"]
Number = tuple[float, ...]


@dataclass(frozen=True)
class ProtocolRow:
    """The base where ``method`` is empty; ``best`` is no checkpoint but the best of all trained rows, column by column."""

    name: str
    title: str
    method: str = ""
    options: tuple[tuple[str, Any], ...] = field(default=(), metadata=AS_OBJECT)
    per_category: bool = False
    best: bool = False


@dataclass(frozen=True)
class ProtocolColumn:
    """A metric under the paper's name and in its unit, over all prompts or those of one category; ``up``: higher is better."""

    title: str
    metric: str
    category: str = ""
    unit: Unit = "plain"
    up: bool = True
    digits: int = 3

    def shown(self, value: float) -> float:
        """Our value in the paper's unit: a distance as the similarity that the paper prints, a share in percent."""
        return {"plain": value, "similarity": 1 - value, "percent": 100 * value}[self.unit]


@dataclass(frozen=True)
class ProtocolTable:
    """One table of the paper; ``published`` are its rows by the names of ours."""

    caption: str
    columns: tuple[ProtocolColumn, ...]
    published: Mapping[str, tuple[Number, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class DistanceTable:
    """A table of distances between a checkpoint's pictures of captions and real ones: a row a measure, a column a checkpoint.

    ``published`` has for each measure the base's number and then that of each of ``categories``.
    """

    caption: str
    measures: tuple[str, ...]
    categories: tuple[str, ...]
    published: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class PromptNames:
    """The sets to test and to train on, and the command that brings them."""

    test: str
    train: str
    fetch: str


@dataclass(frozen=True)
class Sampling:
    """How the test prompts are drawn: seeds as people write them, steps, and guidance scales."""

    seeds: str
    steps: int
    guidance_scales: tuple[float, ...]


@dataclass(frozen=True)
class Protocol:
    """A paper's experiment. ``pairs`` is what preference methods learn from ("" = none does)."""

    title: str
    paper: str
    backbone: str
    prompts: PromptNames
    sampling: Sampling
    rows: tuple[ProtocolRow, ...]
    tables: tuple[ProtocolTable, ...]
    pairs: str = ""
    notes: tuple[str, ...] = ()
    distances: DistanceTable | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(column.metric for table in self.tables for column in table.columns))

    @property
    def categories(self) -> tuple[str, ...]:
        """Those that some column is about, in their order."""
        found = (column.category for table in self.tables for column in table.columns if column.category)
        return tuple(dict.fromkeys(found))


def names() -> list[str]:
    """The protocols there are."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_protocol(name: str) -> Protocol:
    """A shipped protocol by its name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in names():
        raise unknown("protocol", name, names())
    return read_protocol(FOLDER / f"{name}.toml")


def read_protocol(path: Path) -> Protocol:
    """A protocol's file, checked.

    Raises:
        InputError: it is none, or it names what does not exist.
    """
    complaint = f"{path.name} is no protocol"
    with foreign(complaint, "mend it"):
        said = tomllib.loads(text_of(path.read_bytes()))
    found = decode(Protocol, said, complaint)
    rows = {row.name for row in found.rows}
    for row in found.rows:
        if row.method and row.method not in METHODS:
            raise unknown("method", row.method, METHODS)
    for metric in found.metrics:
        if metric not in NAMES:
            raise unknown("metric", metric, NAMES)
    for measure in found.distances.measures if found.distances else ():
        if measure not in DISTRIBUTIONS:
            raise unknown("distribution metric", measure, DISTRIBUTIONS)
    for table in found.tables:
        for name, numbers in table.published.items():
            if name not in rows or len(numbers) != len(table.columns):
                raise InputError(
                    f"{complaint}: '{table.caption}' has numbers for {name!r} that fit no row, or not all {len(table.columns)} "
                    "columns."
                )
    return found
