"""What a sweep asks for, before it starts: cells, pictures, how many are there, and what the rest takes in time and disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from t2ialign.registry import BackboneEntry
from t2ialign.store import Tally, WantedBatch, size_of_pictures
from t2ialign.use_cases.align.estimate import SCORING, TrainingEstimate
from t2ialign.use_cases.sweeps.plan import SweepPlan
from t2ialign.use_cases.workbench import Workbench

BYTES_A_PIXEL = 1.4  # of a lossless picture, where none of its size is stored (store/images.py has the measurement)
ROWS = 2500.0  # bytes of the tables for a picture with its scores


@dataclass(frozen=True)
class SweepEstimate:
    """``stored`` of the ``pictures`` are there, and so many ``cells`` are ``finished``. ``seconds`` None: nobody knows."""

    conditions: int
    prompts: int
    cells: int
    finished: int
    pictures: int
    stored: int
    seconds: float | None
    disk: float
    free: float

    @property
    def missing(self) -> int:
        return self.pictures - self.stored


def stored_of(bench: Workbench, plan: SweepPlan) -> list[Tally]:
    """What is there of each cell on all its seeds, in the plan's order."""
    return bench.results.tally([WantedBatch(cell.cell, cell.request.seeds) for cell in plan.cells])


def is_finished(found: Tally, pictures: int, metrics: Sequence[str]) -> bool:
    """Whether a cell has everything, of whichever version its scores are."""
    return found.pictures == pictures and found.has(metrics)


def metrics_of(bench: Workbench, plan: SweepPlan) -> dict[str, tuple[str, ...]]:
    """By backbone, the metrics that can be measured here; nothing is loaded unless only a loaded scorer can say."""
    backbones, found = bench.registry().backbones, {}
    for name in dict.fromkeys(cell.config.backbone for cell in plan.cells):
        entry = backbones[name]
        found[name] = tuple(
            bench.choose((*plan.spec.scorers, *entry.scorers), plan.spec.metrics, entry.on_request).readers
        )
    return found


def estimate(bench: Workbench, plan: SweepPlan, pace: Callable[[BackboneEntry], float | None]) -> SweepEstimate:
    """The estimate; ``pace`` says how many seconds one evaluation of a backbone takes here for a picture, None: unknown."""
    tallies, metrics = stored_of(bench, plan), metrics_of(bench, plan)
    backbones = bench.registry().backbones
    finished, seconds, disk, unknown = 0, 0.0, 0.0, False
    paces = {name: pace(backbones[name]) for name in metrics}
    sizes = {cell.config.backbone: _bytes(bench, plan, cell.config.backbone) for cell in plan.cells[:1]}
    for cell, found in zip(plan.cells, tallies, strict=True):
        backbone, wanted = cell.config.backbone, len(cell.request.seeds)
        done = is_finished(found, wanted, metrics[backbone])
        finished += done
        missing = wanted - found.pictures
        if backbone not in sizes:
            sizes[backbone] = _bytes(bench, plan, backbone)
        disk += missing * sizes[backbone]
        known = paces[backbone]
        unknown |= missing > 0 and known is None
        steps = plan.spec.num_inference_steps * plan.conditions[cell.condition].evaluations
        seconds += missing * steps * (known or 0.0) + (0.0 if done else wanted * SCORING)
    free = float(shutil.disk_usage(bench.home).free)
    stored = sum(found.pictures for found in tallies)
    return SweepEstimate(
        len(plan.conditions),
        len(plan.prompts),
        len(plan.cells),
        finished,
        plan.pictures,
        stored,
        None if unknown else seconds,
        disk,
        free,
    )


def _bytes(bench: Workbench, plan: SweepPlan, backbone: str) -> float:
    config = next(cell.config for cell in plan.cells if cell.config.backbone == backbone)
    known = size_of_pictures(bench.store, config)
    return ROWS + (BYTES_A_PIXEL * config.height * config.width if known is None else known)


def in_words(found: SweepEstimate) -> list[str]:
    """The estimate in sentences."""
    said = [
        f"{found.cells:,} cells: {found.conditions:,} conditions on {found.prompts:,} prompts, {found.pictures:,} pictures.",
        f"{found.stored:,} pictures are stored, {found.finished:,} cells are finished.",
    ]
    if not found.missing and found.finished == found.cells:
        return [*said, "Nothing is left to do."]
    time = "nobody knows how long before the model is here" if found.seconds is None else duration_words(found.seconds)
    said.append(f"{found.missing:,} pictures to draw: {time}, and {bytes_words(found.disk)} of disk.")
    if found.disk > found.free:
        said.append(f"Only {bytes_words(found.free)} are free here: make room first, or ask for less.")
    return said


def duration_words(seconds: float) -> str:
    """``about 3 minutes``."""
    return TrainingEstimate({"all": seconds}).words if seconds >= 1 else "no time"


def bytes_words(size: float) -> str:
    """``12 MB``."""
    for unit, step in (("GB", 1e9), ("MB", 1e6)):
        if size >= step:
            return f"{size / step:.1f} {unit}" if size < 10 * step else f"{size / step:,.0f} {unit}"
    return f"{size / 1e3:.0f} kB"
