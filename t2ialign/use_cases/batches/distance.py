"""How far apart two populations of pictures are: stored checkpoints, or a checkpoint and a folder of real pictures.

Two checkpoints are compared on the cells that both have: the same prompts, guidance scale, steps and seeds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from t2ialign import store
from t2ialign.metrics.distribution import DISTRIBUTIONS, Distribution
from t2ialign.names import unknown
from t2ialign.registry import resolve, revision_of
from t2ialign.store import Cell
from t2ialign.types import Encoder, InputError, Interval, Prompt
from t2ialign.use_cases.batches.picture_folders import read_pictures
from t2ialign.use_cases.batches.requests import picture_files
from t2ialign.use_cases.batches.score_pictures import scorers_of
from t2ialign.use_cases.workbench import Workbench

OF_THE_WORLD = frozenset({"clip-shapes"})  # reads the embedded world's pictures only
NOBODY = Prompt("")  # embeddings of pictures alone


@dataclass(frozen=True)
class Population:
    """Pictures of one origin; those of a checkpoint come from ``cells`` of the store, with the seeds of each.

    ``guidance_scales`` are those of the cells: several are a mixture, which is no single model's distribution.
    """

    name: str
    images: UInt8[Tensor, "n 3 h w"]
    cells: int = 0
    seeds: tuple[tuple[int, ...], ...] = ()
    guidance_scales: tuple[float, ...] = ()


@dataclass(frozen=True)
class Distances:
    """Two populations, each distance between them with its version, and why the others could not be measured."""

    sides: tuple[Population, Population]
    found: Mapping[str, Interval]
    versions: Mapping[str, str]
    skipped: Mapping[str, str]


def check_distributions(names: Sequence[str]) -> tuple[str, ...]:
    """Known distribution metrics, all of them where none is named."""
    for name in names:
        if name not in DISTRIBUTIONS:
            raise unknown("distribution metric", name, DISTRIBUTIONS)
    return tuple(names) or tuple(DISTRIBUTIONS)


def is_folder(side: str) -> bool:
    """Whether a side means a folder: it is one, or is written like one."""
    return os.sep in side or Path(side).is_dir()


def populations(
    bench: Workbench, first: str, second: str, scales: Sequence[float] = ()
) -> tuple[Population, Population]:
    """Both sides' pictures; ``scales`` keeps the cells of one guidance scale, or of one for each side.

    Raises:
        InputError: an unknown checkpoint, a folder without pictures, twice the same pictures, or nothing stored that
            both checkpoints share.
    """
    if len(scales) > 2:
        raise InputError("Give one guidance scale, or two separated by a comma: the first side's and the second's.")
    sides, wanted = (first, second), (tuple(scales) * 2)[:2] or (None, None)
    if first == second and (is_folder(first) or wanted[0] == wanted[1]):
        raise InputError(f"'{first}' twice is no comparison; name two populations, or two guidance scales of one.")
    cells = [None if is_folder(side) else _cells(bench, side, scale) for side, scale in zip(sides, wanted, strict=True)]
    if cells[0] and cells[1]:
        return _matched(bench, sides, (cells[0], cells[1]), bool(scales))
    left, right = (_population(bench, side, found or ()) for side, found in zip(sides, cells, strict=True))
    return left, right


def _matched(
    bench: Workbench, sides: tuple[str, str], cells: tuple[Sequence[Cell], Sequence[Cell]], chosen_scales: bool
) -> tuple[Population, Population]:
    """Two checkpoints' pictures of the prompts and seeds that both have, in the same order."""
    first, second = ({_condition(cell, chosen_scales): cell for cell in found} for found in cells)
    shared = [key for key in first if key in second]
    if not shared:
        raise InputError(
            f"'{sides[0]}' and '{sides[1]}' share no prompt, steps and seeds in the store; sweep both over one grid."
        )
    left, right = (_population(bench, side, [by[key] for key in shared]) for side, by in zip(sides, (first, second)))
    return left, right


def _cells(bench: Workbench, checkpoint: str, scale: float | None) -> list[Cell]:
    entry, adapters = resolve(checkpoint, bench.registry())
    wanted = entry.name, revision_of(entry), adapters
    found = [
        cell
        for cell in store.list_cells(bench.store)
        if (cell.config.backbone, cell.config.revision, cell.config.adapters) == wanted
        and scale in (None, cell.config.guidance_scale)
    ]
    if not found:
        at = "" if scale is None else f" at guidance scale {scale:g}"
        raise InputError(f"No pictures of '{checkpoint}'{at} are stored; generate or sweep some first.")
    return found


def _condition(cell: Cell, chosen_scale: bool) -> tuple[Any, ...]:
    """All that two cells must share but the checkpoint, and the guidance scale where each side's was chosen."""
    alike = replace(cell.config, adapters=(), guidance_scale=0.0 if chosen_scale else cell.config.guidance_scale)
    return alike.key, cell.prompt.key, cell.seeds


def _population(bench: Workbench, side: str, cells: Sequence[Cell]) -> Population:
    if is_folder(side):
        return Population(side, read_pictures(picture_files(Path(side))))
    batches = [store.load_batch(bench.store, cell.config, cell.prompt, cell.seeds) for cell in cells]
    images = [batch.images for batch in batches if batch.seeds]
    scales = tuple(sorted({batch.config.guidance_scale for batch in batches if batch.seeds}))
    if not images:
        raise InputError(f"Of '{side}' only thumbnails are stored; generate its pictures on this machine first.")
    return Population(side, torch.cat(images), len(images), tuple(batch.seeds for batch in batches), scales)


def is_paired(first: Population, second: Population) -> bool:
    """Whether the sides' pictures share prompts and seeds one by one, and so are not independent."""
    return bool(first.seeds) and first.seeds == second.seeds


def measure(
    bench: Workbench,
    sides: tuple[Population, Population],
    names: Sequence[str],
    scorers: Sequence[str] = (),
    watch: Callable[[float, float | None], None] = lambda *_: None,
    kept: dict[str, Tensor] | None = None,
) -> Distances:
    """Every named distance; what cannot be measured is kept with its reason.

    ``kept`` are the second side's embeddings by feature, for a caller that sets many populations against one.

    Raises:
        InputError: nothing could be measured, and why.
    """
    found, versions, skipped = {}, {}, {}
    first: dict[str, Tensor] = {}
    second = {} if kept is None else kept
    begun = time.monotonic()
    for done, name in enumerate(names):
        watch(done / len(names), (time.monotonic() - begun) / done * (len(names) - done) if done else None)
        entry = DISTRIBUTIONS[name]
        try:
            entry.check(*(len(side.images) for side in sides))
            reader = _reader(bench, entry, scorers)
            for side, embedded in zip(sides, (first, second), strict=True):
                if entry.feature not in embedded:
                    embedded[entry.feature] = reader.encode(side.images, NOBODY)[entry.feature].cpu()
            found[name] = entry.compute(first[entry.feature], second[entry.feature], paired=is_paired(*sides))
            versions[name] = f"{entry.version}+{reader.id}:{reader.sha[:12]}"
        except InputError as error:
            skipped[name] = str(error)
    watch(1.0, None)
    if not found:
        raise InputError(" ".join(dict.fromkeys(skipped.values())))
    return Distances(sides, found, versions, skipped)


def default_scorers(bench: Workbench, *sides: str) -> tuple[str, ...]:
    """The scorers of the first checkpoint's backbone; none where both sides are folders."""
    checkpoints = [side for side in sides if not is_folder(side)]
    return resolve(checkpoints[0], bench.registry())[0].scorers if checkpoints else ()


def _reader(bench: Workbench, entry: Distribution, scorers: Sequence[str]) -> Encoder:
    """The first of these scorers that provides the feature, else the registry's first for photographs."""
    able = scorers_of([entry.feature])
    named = [name for name in scorers if name in able]
    return bench.encoder((named or [name for name in able if name not in OF_THE_WORLD])[0])


def record(found: Distances) -> dict[str, Any]:
    """What ``distance --json`` prints."""
    return {
        "sides": [
            {
                "name": side.name,
                "pictures": len(side.images),
                "cells": side.cells,
                "guidance_scales": side.guidance_scales,
            }
            for side in found.sides
        ],
        "distances": {
            name: {"mean": value.mean, "lo": value.lo, "hi": value.hi, "version": found.versions[name]}
            for name, value in found.found.items()
        },
        "skipped": found.skipped,
    }


def lines(found: Distances) -> Iterator[str]:
    """The same in words."""
    alike = ", of the same prompts and seeds" if is_paired(*found.sides) else ""
    yield f"{' and '.join(map(_said, found.sides))}{alike}: 0 is no difference; 95 % intervals are over pictures"
    for name, value in found.found.items():
        interval = "" if value.lo != value.lo else f"[{value.lo:.4f}, {value.hi:.4f}]"
        yield f"  {name:<10} {value.mean:9.4f}  {interval:<22} {DISTRIBUTIONS[name].unit}, by {found.versions[name]}"
    if found.skipped:
        yield "Not measured:"
    for name, why in found.skipped.items():
        yield f"  {name}: {why}"


def _said(side: Population) -> str:
    of = (
        f" of {side.cells} cells at CFG {', '.join(f'{scale:g}' for scale in side.guidance_scales)}"
        if side.cells
        else ""
    )
    return f"'{side.name}' ({len(side.images)} pictures{of})"
