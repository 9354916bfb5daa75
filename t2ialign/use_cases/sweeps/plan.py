"""A spec becomes cells: every condition on every prompt, in an order in which the chart is useful early.

Three stages: all conditions on a few prompts and few seeds, then on all prompts, then all seeds. A picture of an early stage
is a picture of the last one, so an early look costs a second scoring and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from t2ialign.diffusion.inputs import check_adapters, check_count
from t2ialign.guidance import Params, needs_of, read_strategy
from t2ialign.registry import Registry, resolve
from t2ialign.seeds import SeedPlan, count_of, seeds_for
from t2ialign.tradeoff.benchmark_set import BenchmarkSet, benchmark_set, title_of
from t2ialign.types import GenerationConfig, InputError, Prompt, cell_key
from t2ialign.use_cases.align.request import spread
from t2ialign.use_cases.batches.benchmarks import FEWEST
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.requests import checked as checked_request
from t2ialign.use_cases.batches.score_batch import config_of
from t2ialign.use_cases.sweeps.spec import SweepSpec, checked, prompts_of
from t2ialign.use_cases.workbench import Workbench

MOST_CELLS = 100_000
COARSE_SEEDS = 4  # of each prompt in the first two stages; a sweep of fewer than twice as many has none of them
COARSE_SHARE = 16  # the first stage has one prompt of so many, and at least FEWEST


@dataclass(frozen=True)
class Condition:
    """What all pictures of a row have in common: a checkpoint with its weight, a strategy and its scale.

    ``evaluations`` of the model make one step; a ``whole_batch`` depends on all of its seeds, so it has no early stage.
    """

    checkpoint: str
    guidance: str
    guidance_params: Params
    guidance_scale: float
    evaluations: int
    whole_batch: bool


@dataclass(frozen=True)
class SweepCell:
    """One condition with one prompt: its request with all seeds, and its key in the store."""

    condition: int
    request: BatchRequest
    config: GenerationConfig
    cell: str


@dataclass(frozen=True)
class SweepTask:
    """A cell on the seeds of a stage; ``fresh`` of them are in no earlier stage."""

    cell: SweepCell
    seeds: tuple[int, ...]
    fresh: int
    last: bool


@dataclass(frozen=True)
class SweepPlan:
    """A sweep's cells, condition by condition, prompts innermost."""

    spec: SweepSpec
    conditions: tuple[Condition, ...]
    prompts: tuple[Prompt, ...]
    cells: tuple[SweepCell, ...]
    coarse: SeedPlan | None

    @property
    def pictures(self) -> int:
        return sum(len(cell.request.seeds) for cell in self.cells)

    @cached_property
    def first_prompts(self) -> frozenset[Prompt]:
        """Those of the first stage."""
        return frozenset(spread(self.prompts, max(FEWEST, math.ceil(len(self.prompts) / COARSE_SHARE))))

    def coarse_seeds(self, cell: SweepCell) -> tuple[int, ...]:
        """The seeds of a cell's early stages; none where it has no such stage."""
        if self.coarse is None or self.conditions[cell.condition].whole_batch:
            return ()
        return seeds_for(self.coarse, cell.request.prompt)

    def tasks(self) -> Iterator[SweepTask]:
        """Everything there is to do, in its order."""
        early = [(cell, self.coarse_seeds(cell)) for cell in self.cells]
        for first in (True, False):
            for cell, seeds in early:
                if seeds and (cell.request.prompt in self.first_prompts) == first:
                    yield SweepTask(cell, seeds, len(seeds), last=False)
        for cell, seeds in early:
            yield SweepTask(cell, cell.request.seeds, len(cell.request.seeds) - len(seeds), last=True)

    def benchmarks(self) -> list[BenchmarkSet]:
        """The sets on which the chart compares what is scored: of the early seeds, and of all."""
        if len(self.prompts) < FEWEST:
            return []
        plans = [self.spec.seeds] if self.coarse is None else [self.coarse, self.spec.seeds]
        return [benchmark_set(title_of(self.spec.prompts.name, plan), self.prompts, plan) for plan in plans]


def plan_sweep(bench: Workbench, spec: SweepSpec) -> SweepPlan:
    """The plan of a spec; nothing is loaded, but what lies on the Hub alone may be fetched to know what it is.

    Raises:
        InputError: something cannot be sampled, or the cells are too many, in one sentence.
    """
    spec = checked(spec)
    prompts = prompts_of(spec.prompts, home=bench.home)
    registry = bench.registry()
    conditions = tuple(_conditions(spec, registry))
    if len(conditions) * len(prompts) > MOST_CELLS:
        raise InputError(
            f"{len(conditions):,} conditions on {len(prompts):,} prompts are more than {MOST_CELLS:,} cells: make two of it."
        )
    cells = []
    for index, condition in enumerate(conditions):
        config = config_of(bench, _request(spec, condition, prompts[0]))[1]
        for prompt in prompts:
            cells.append(SweepCell(index, _request(spec, condition, prompt), config, cell_key(config, prompt)))
    return SweepPlan(spec, conditions, prompts, tuple(cells), _coarse(spec.seeds))


def _conditions(spec: SweepSpec, registry: Registry) -> Iterator[Condition]:
    """Checkpoints outermost, so that one stays loaded."""
    strategies = [read_strategy(one) for one in spec.strategies]
    for name, _ in strategies:
        check_count(name, count_of(spec.seeds))
    for checkpoint in _weighted(spec, registry):
        _, adapters = resolve(checkpoint, registry)
        for name, params in strategies:
            check_adapters(name, bool(adapters), checkpoint)
            needs = needs_of(name)
            for scale in spec.guidance_scales:
                yield Condition(checkpoint, name, params, scale, needs.evaluations, needs.whole_batch)


def _weighted(spec: SweepSpec, registry: Registry) -> list[str]:
    """The checkpoints under every weight; those without an adapter, and those that say their weight, once."""
    found: dict[str, None] = {}
    for name in spec.checkpoints:
        entry = registry.checkpoints.get(name)
        fixed = "@" in name or "+" in name or (entry is not None and entry.adapter is None)
        for weight in (1.0,) if fixed or not spec.weights else spec.weights:
            found[name if weight == 1 else f"{name}@{weight:g}"] = None
    return list(found)


def _request(spec: SweepSpec, condition: Condition, prompt: Prompt) -> BatchRequest:
    request = BatchRequest(
        prompt,
        condition.checkpoint,
        seeds_for(spec.seeds, prompt),
        condition.guidance_scale,
        spec.num_inference_steps,
        guidance=condition.guidance,
        guidance_params=condition.guidance_params,
        metrics=spec.metrics,
        scorers=spec.scorers,
        height=spec.height,
        width=spec.width,
    )
    return checked_request(request)


def _coarse(seeds: SeedPlan) -> SeedPlan | None:
    if count_of(seeds) < 2 * COARSE_SEEDS:
        return None
    return COARSE_SEEDS if isinstance(seeds, int) else seeds[:COARSE_SEEDS]
