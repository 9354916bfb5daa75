"""Stored pictures scored anew where a score is missing or was made by an older version of its metric.

Nothing is deleted: a score of another version stays where it is, and charts show one version at a time. What is done is
skipped, so the work can be stopped and taken up again at any time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from t2ialign import store
from t2ialign.metrics.scoring import version_of
from t2ialign.store import Cell, Store
from t2ialign.types import Encoder, InputError, Metric
from t2ialign.use_cases.batches.scoring import Scorer, weights_of
from t2ialign.use_cases.measures import LeftOut, Measures, joined
from t2ialign.use_cases.workbench import Workbench


@dataclass(frozen=True)
class RescoreState:
    """How far it is: cells looked at, scores written, cells whose pictures are only thumbnails (or gone), what is left out."""

    done: int
    total: int
    scores: int = 0
    without_pictures: int = 0
    unknown_backbones: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    remaining: float | None = None

    @property
    def fraction(self) -> float:
        return self.done / self.total if self.total else 1.0


def rescore(
    bench: Workbench,
    names: Sequence[str] = (),
    cells: Sequence[str] = (),
    cancelled: Callable[[], bool] = lambda: False,
    scorers: Sequence[str] = (),
) -> Iterator[RescoreState]:
    """Fills the gaps of every stored cell (or of ``cells``), one cell after another; yields after each.

    ``names`` are checked metrics (empty: the short list; ``("all",)``: every one that the backbone's scorers can feed);
    ``scorers`` come before the backbone's. What cannot be measured on this machine now is left out.
    """
    chosen = store.list_cells(bench.store, store.Filters(cells=tuple(cells)))
    state, begun = RescoreState(0, len(chosen)), time.monotonic()
    backbones = bench.registry().backbones

    @cache
    def measures_of(backbone: str) -> Measures:
        entry = backbones[backbone]
        return bench.load(bench.choose((*scorers, *entry.scorers), names, entry.on_request, strict=False))

    yield state
    for cell in chosen:
        if cancelled():
            return
        backbone = cell.config.backbone
        if backbone in backbones:
            state = _one(bench.store, cell, measures_of(backbone), state)
        else:
            state = replace(state, unknown_backbones=tuple(dict.fromkeys((*state.unknown_backbones, backbone))))
        spent = time.monotonic() - begun
        state = replace(state, done=state.done + 1, remaining=spent / (state.done + 1) * (state.total - state.done - 1))
        yield state


def _one(opened: Store, cell: Cell, found: Measures, state: RescoreState) -> RescoreState:
    state = replace(state, left_out=joined((*state.left_out, *found.left_out)))
    written = 0
    for seeds in seed_sets(opened, cell):
        wanted = missing(opened, cell, seeds, found.metrics, found.encoders)
        if not wanted:
            continue
        batch = store.load_batch(opened, cell.config, cell.prompt, seeds)
        if batch.seeds != seeds:
            return replace(state, scores=state.scores + written, without_pictures=state.without_pictures + 1)
        scorer = Scorer(cell.prompt, wanted, found.encoders, forgiving=True)
        scores = scorer.add(batch)
        store.add_scores(opened, batch, scores.values(), scorer.unread())
        written += len(scores)
        state = replace(state, left_out=joined((*state.left_out, *scorer.left_out())))
    return replace(state, scores=state.scores + written)


def seed_sets(opened: Store, cell: Cell) -> list[tuple[int, ...]]:
    """The sets of seeds that the cell was scored with, or all its seeds where it never was."""
    scored = {record.seeds for record in store.records_of(opened, cell.key)}
    return sorted(scored, key=lambda seeds: (-len(seeds), seeds)) or [tuple(cell.seeds)]


def missing(
    opened: Store, cell: Cell, seeds: Sequence[int], metrics: Sequence[Metric], encoders: Sequence[Encoder]
) -> list[Metric]:
    """The metrics of which these seeds have no score in today's version."""
    there = {(score.metric, score.version) for score in store.scores_of(opened, cell.key, seeds)}
    return [
        metric for metric in metrics if (metric.name, version_of(metric, weights_of(metric, encoders))) not in there
    ]


def current_version(bench: Workbench, metric: Metric) -> str:
    """The version that scores made now would have, as far as it is known without loading weights from elsewhere."""
    found = bench.registry()
    local = [name for name, entry in found.scorers.items() if isinstance(entry.source, Path) and entry.source.exists()]
    encoders: list[Encoder] = []
    for name in local:
        with suppress(InputError):  # a scorer that cannot be loaded makes no scores now
            encoders.append(bench.encoder(name))
    return version_of(metric, weights_of(metric, encoders))


def report(state: RescoreState) -> str:
    """What came of it, in a sentence or two."""
    if not state.total:
        return "The store holds no pictures yet: generate some first."
    left_out = state.without_pictures or state.unknown_backbones or state.left_out
    if state.done == state.total and not state.scores and not left_out:
        return f"Nothing to do: all {state.total} stored cells have these scores."
    said = f"{state.scores} scores written for {state.done} of {state.total} cells."
    if state.without_pictures:
        said += f" {state.without_pictures} cells keep only thumbnails and were left as they are."
    if state.unknown_backbones:
        said += f" The registry no longer knows {', '.join(state.unknown_backbones)}; its cells were left as they are."
    return said
