"""Where results are kept and found: in the open store, or beside it while another process owns it.

Only one process can open the store. A use case does not ask whether it is that one: it works with ``Results``, and what
only the owner can do says so itself (``Results.own_store``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from t2ialign.source import Source
from t2ialign.store import (
    CellRecord,
    Store,
    StoreBusy,
    Tally,
    WantedBatch,
    add_batch,
    add_benchmark,
    add_scores,
    benchmark_table,
    count_pictures,
    load_batch,
    notes,
    notes_of,
    pictures,
    post,
    post_shard,
    record_batch,
    record_scores,
    records_of,
    scores_of,
    tally,
)
from t2ialign.store.errors import owners_alone
from t2ialign.study.records import VotesRecord
from t2ialign.tradeoff.benchmark_set import BenchmarkSet
from t2ialign.types import Example, GenerationConfig, PreferencePair, Prompt, Score, SeedBatch, cell_key
from t2ialign.use_cases.align import votes


@runtime_checkable
class Results(Protocol):
    """What use cases keep and find again, whoever owns the store."""

    @property
    def home(self) -> Path:
        """The store's folder, in which pictures, checkpoints and jobs lie too."""

    @property
    def elsewhere(self) -> str:
        """Who has the store, as the beginning of a sentence; empty where it is this process."""

    def own_store(self) -> Store:
        """The open store, for what only its owner can do.

        Raises:
            StoreBusy: another process has it open.
        """

    def batch(self, config: GenerationConfig, prompt: Prompt, seeds: Sequence[int]) -> SeedBatch:
        """The pictures that are there, in the order of ``seeds``; the batch's own ``seeds`` say which (perhaps none)."""

    def scores(self, batch: SeedBatch) -> list[Score]:
        """The scores of exactly this batch's seeds, of every metric and version that is there."""

    def keep_pictures(self, batch: SeedBatch, seconds: float = math.nan) -> SeedBatch:
        """Keeps pictures that took ``seconds`` to make, and returns them as they are kept: score these."""

    def keep_scores(self, batch: SeedBatch, scores: Iterable[Score], notes: Iterable[str] = ()) -> None:
        """Keeps scores of pictures that are kept, and what people should know of them."""

    def notes(self, batch: SeedBatch) -> tuple[str, ...]:
        """What was kept for people to know of a batch's prompt and config, in sentences."""

    def share(self, batch: SeedBatch) -> None:
        """Lets processes that cannot open the store find a kept batch again."""

    def share_cell(self, config: GenerationConfig, prompt: Prompt) -> None:
        """The same of everything that is kept of a cell."""

    def count_pictures(self, wanted: Mapping[str, Sequence[int]]) -> int:
        """How many pictures the cells have of the seeds named for each."""

    def tally(self, wanted: Sequence[WantedBatch]) -> list[Tally]:
        """What is there of each seed batch: how many of its pictures, and which scores of exactly its seeds."""

    def keep_benchmark(self, found: BenchmarkSet) -> None:
        """Keeps a benchmark set, so that the chart can compare what has scores on it."""

    def vote_pairs(self, source: Source, size: int) -> list[PreferencePair]:
        """The pairs of ``votes:STUDY`` or ``votes:STUDY:GROUP`` that people preferred one way, at ``size`` pixels."""

    def vote_examples(self, source: Source, size: int) -> list[Example]:
        """The single pictures that people liked, and those that they did not: for methods that need no pairs."""

    def votes_record(self, source: Source) -> VotesRecord:
        """Which votes these are, for the manifest of what was trained on them."""


@dataclass(frozen=True)
class StoreResults:
    """The store's owner: everything is kept in it and found in it."""

    opened: Store
    elsewhere: str = ""

    @property
    def home(self) -> Path:
        return self.opened.home

    def own_store(self) -> Store:
        return self.opened

    def batch(self, config: GenerationConfig, prompt: Prompt, seeds: Sequence[int]) -> SeedBatch:
        return load_batch(self.opened, config, prompt, seeds)

    def scores(self, batch: SeedBatch) -> list[Score]:
        return scores_of(self.opened, batch.cell, batch.seeds)

    def keep_pictures(self, batch: SeedBatch, seconds: float = math.nan) -> SeedBatch:
        add_batch(self.opened, batch, seconds)
        return self.batch(batch.config, batch.prompt, batch.seeds)

    def keep_scores(self, batch: SeedBatch, scores: Iterable[Score], notes: Iterable[str] = ()) -> None:
        add_scores(self.opened, batch, scores, notes)

    def notes(self, batch: SeedBatch) -> tuple[str, ...]:
        return notes_of(self.opened, batch.cell)

    def share(self, batch: SeedBatch) -> None:
        self.share_cell(batch.config, batch.prompt)

    def share_cell(self, config: GenerationConfig, prompt: Prompt) -> None:
        cell = cell_key(config, prompt)
        known, scored = tuple(pictures(self.opened, cell)), tuple(records_of(self.opened, cell))
        notes.note(self.home, CellRecord(prompt, config, known, scored, notes_of(self.opened, cell)))

    def count_pictures(self, wanted: Mapping[str, Sequence[int]]) -> int:
        return count_pictures(self.opened, wanted)

    def tally(self, wanted: Sequence[WantedBatch]) -> list[Tally]:
        return tally(self.opened, wanted)

    def keep_benchmark(self, found: BenchmarkSet) -> None:
        add_benchmark(self.opened, found)

    def vote_pairs(self, source: Source, size: int) -> list[PreferencePair]:
        return votes.preferred(self.opened, source)

    def vote_examples(self, source: Source, size: int) -> list[Example]:
        return votes.liked(self.opened, source)

    def votes_record(self, source: Source) -> VotesRecord:
        return votes.record(self.opened, source)


@dataclass(frozen=True)
class InboxResults:
    """Another process owns the store of ``home``: its inbox gets everything, notes find it again.

    Votes are those that the owner left for a job (``align.votes.leave_votes``).
    """

    home: Path
    elsewhere: str = "Another process has the store open"

    def own_store(self) -> Store:
        raise StoreBusy(owners_alone(self.home))

    def batch(self, config: GenerationConfig, prompt: Prompt, seeds: Sequence[int]) -> SeedBatch:
        return notes.noted_batch(self.home, config, prompt, seeds)

    def scores(self, batch: SeedBatch) -> list[Score]:
        return notes.noted_scores(self.home, batch.cell, batch.seeds)

    def keep_pictures(self, batch: SeedBatch, seconds: float = math.nan) -> SeedBatch:
        self._post([record_batch(self.home, batch, seconds)])
        return batch

    def keep_scores(self, batch: SeedBatch, scores: Iterable[Score], notes: Iterable[str] = ()) -> None:
        # in one shard with the pictures, so that scores never meet other ones
        self._post([record_batch(self.home, batch), record_scores(batch, scores, notes)])

    def notes(self, batch: SeedBatch) -> tuple[str, ...]:
        return notes.said_of(self.home, batch.cell)

    def share(self, batch: SeedBatch) -> None:
        """Nothing to do: what was kept was noted."""

    def share_cell(self, config: GenerationConfig, prompt: Prompt) -> None:
        """Nothing to do either."""

    def count_pictures(self, wanted: Mapping[str, Sequence[int]]) -> int:
        return notes.count_noted(self.home, wanted)

    def tally(self, wanted: Sequence[WantedBatch]) -> list[Tally]:
        return notes.tally_noted(self.home, wanted)

    def keep_benchmark(self, found: BenchmarkSet) -> None:
        post_shard(self.home, "benchmark", benchmark_table(found), worker="cli")

    def vote_pairs(self, source: Source, size: int) -> list[PreferencePair]:
        return votes.left_pairs(self._left(source, votes.PAIRS), size)

    def vote_examples(self, source: Source, size: int) -> list[Example]:
        return votes.left_examples(self._left(source, votes.LIKED), size)

    def votes_record(self, source: Source) -> VotesRecord:
        return votes.left_record(self._left(source, votes.ABOUT))

    def _post(self, records: Sequence[CellRecord]) -> None:
        post(self.home, records, worker="cli")
        for record in records:
            notes.note(self.home, record)

    def _left(self, source: Source, what: str) -> Path:
        path = votes.left(self.home, source, what)
        if not path.is_file():
            raise StoreBusy(owners_alone(self.home))
        return path


def share_stored(results: Results, wanted: Sequence[tuple[GenerationConfig, Prompt, Sequence[int]]]) -> int:
    """Shares the cells that have pictures of the seeds named for each, for a worker; returns how many."""
    found = results.tally([WantedBatch(cell_key(config, prompt), tuple(seeds)) for config, prompt, seeds in wanted])
    there = [(config, prompt) for (config, prompt, _), one in zip(wanted, found, strict=True) if one.pictures]
    for config, prompt in there:
        results.share_cell(config, prompt)
    return len(there)
