"""A workbench without a model: rendered scenes instead of generated ones, random scores, the real store and engine."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.one_run_per_page import OneRunPerPage
from t2ialign.dashboard.shared.visitors import Visits
from t2ialign.engines import LocalEngine
from t2ialign.jobs.supervisor import Supervisor
from t2ialign.registry import Registry
from t2ialign.shapes.grammar import COLORS, SHAPES, parse
from t2ialign.shapes.render import render
from t2ialign.shapes.scene import draw_free, draw_named
from t2ialign.store import Store, add_batch, add_scores, set_status
from t2ialign.store.batches import record_batch
from t2ialign.store.scores import record_scores
from t2ialign.store.writing import insert_records
from t2ialign.types import GenerationConfig, InputError, Prompt, Score, SeedBatch
from t2ialign.use_cases.batches import prompt_sets
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.run import RunState
from t2ialign.use_cases.batches.score_batch import BatchState, config_of
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import Workbench

REGISTRY = """
[backbones.shapes]
family = "sd"
path = "shapes"
title = "Coloured shapes"
size = 64
dtype = "float32"
[checkpoints.base]
backbone = "shapes"
"""
ADAPTERS = ("diffusion-dpo", "mi-tune", "spo")
FAITH = {"": 0.0, "dpo_js": 0.04, "diffusion-dpo": 0.07, "mi-tune": 0.11, "spo": 0.05}


def write_registry(folder: Path) -> Path:
    """A checkpoints folder with a base and three adapters, all of it empty files."""
    (folder / "shapes").mkdir(parents=True)
    (folder / "shapes" / "model.safetensors").write_bytes(b"weights")
    (folder / "registry.toml").write_text(REGISTRY)
    for name in ADAPTERS:
        (folder / name).mkdir()
        (folder / name / "manifest.json").write_text(json.dumps({"kind": "lora", "backbone": "shapes"}))
        (folder / name / "pytorch_lora_weights.safetensors").write_bytes(name.encode())
    return folder


def services_of(store: Store) -> Services:
    names = prompt_sets.names()
    bench, engine = Workbench(StoreResults(store), "cpu", "float32"), LocalEngine()
    prompts = {name: prompt_sets.load(name) for name in reversed(names)}
    return Services(bench, store, engine, lambda: prompts, OneRunPerPage(engine), Visits(engine), Supervisor(store))


@cache
def picture(prompt: Prompt, config: GenerationConfig, seed: int) -> torch.Tensor:
    """A scene of the prompt (any scene if it is of another world); high guidance narrows what is free."""
    draw = torch.Generator().manual_seed(zlib.crc32(prompt.text.encode()) % 1000 + 7919 * seed)
    named = draw_named(1, draw)
    try:
        for slot, thing in enumerate(parse(prompt.text).objects):
            named["shape"][0, slot] = SHAPES.index(thing.shape)
            if thing.color and torch.rand((), generator=draw) < 0.8 + 0.05 * config.guidance_scale:
                named["color"][0, slot] = COLORS.index(thing.color)
    except InputError:
        pass
    return render(draw_free(named, draw))[0]


def batch_of(prompt: Prompt, config: GenerationConfig, seeds: Sequence[int]) -> SeedBatch:
    images = torch.stack([picture(prompt, config, seed) for seed in seeds])
    known = torch.rand(len(seeds), generator=torch.Generator().manual_seed(1))
    return SeedBatch(prompt, config, tuple(seeds), images, known, known)


def scores_of(batch: SeedBatch) -> list[Score]:
    """Faithful and varied as the guidance and the adapter would have it, with some noise."""
    draw = torch.Generator().manual_seed(zlib.crc32(batch.cell.encode()))
    n, scale = len(batch.seeds), batch.config.guidance_scale
    faith = FAITH.get(batch.config.adapters[0].name, 0.0) if batch.config.adapters else 0.0
    level = min(
        0.97,
        0.62 + 0.11 * float(torch.tensor(scale).log()) + faith + 0.03 * float(torch.randn((), generator=draw)),
    )
    claims = (torch.rand(n, 5, generator=draw) < level).float().mean(1)
    spread = 0.95 - 0.2 * float(torch.tensor(scale).log()) - faith + 0.03 * float(torch.randn((), generator=draw))
    pairs = (spread + 0.1 * torch.randn(n, n, generator=draw)).clamp(0.02)
    pairs = (pairs + pairs.T) / 2
    mean, half = float(claims.mean()), 0.3 / n**0.5
    return [
        Score("oracle_alignment", "1", "alignment", "image", claims, mean, max(mean - half, 0), min(mean + half, 1)),
        Score("clip_score", "1", "alignment", "image", 0.2 + 0.1 * claims, 0.2 + 0.1 * mean, 0.2, 0.3),
        Score("factor_diversity", "1", "diversity", "pair", pairs, spread, spread - half / 2, spread + half / 2),
        Score("lpips", "1", "diversity", "pair", pairs / 2, spread / 2, spread / 2 - 0.02, spread / 2 + 0.02),
    ]


def add_cell(store: Store, prompt: Prompt, config: GenerationConfig, seeds: Sequence[int] = range(4)) -> SeedBatch:
    """A stored and scored cell."""
    batch = batch_of(prompt, config, tuple(seeds))
    add_scored(store, batch)
    return batch


def add_scores_alone(
    store: Store, prompt: Prompt, config: GenerationConfig, seeds: Sequence[int], elsewhere: Path
) -> SeedBatch:
    """A cell as shipped without its pictures: they were drawn in another store."""
    batch = batch_of(prompt, config, tuple(seeds))
    drawn = record_batch(elsewhere, batch)
    bare = tuple(replace(one, thumbnail=b"", information_map=None) for one in drawn.pictures)
    with store.transaction() as cursor:
        insert_records(store.home, cursor, [replace(drawn, pictures=bare), record_scores(batch, scores_of(batch))])
    return batch


def add_scored(store: Store, *batches: SeedBatch) -> None:
    """Batches with their scores, in one transaction."""
    records = [part for one in batches for part in (record_batch(store.home, one), record_scores(one, scores_of(one)))]
    with store.transaction() as cursor:
        insert_records(store.home, cursor, records)


def fake_batches(pause: float = 0.0) -> Callable[..., Iterator[RunState]]:
    """``run_batches`` with rendered scenes: previews, then pictures in two parts, stored and scored as they come."""

    def run(
        bench: Workbench, run: str, requests: Sequence[BatchRequest], cancelled: Callable[[], bool]
    ) -> Iterator[RunState]:
        states = [BatchState(request, config_of(bench, request)[1]) for request in requests]
        yield RunState(run, tuple(states))
        for index in range(len(requests)):
            for state in _batch(bench, states[index], cancelled, pause):
                states[index] = state
                yield RunState(run, tuple(states))
                if cancelled():
                    set_status(bench.store, run, "cancelled")
                    return
        set_status(bench.store, run, "done")

    return run


def _batch(bench: Workbench, state: BatchState, cancelled: Callable[[], bool], pause: float) -> Iterator[BatchState]:
    seeds, half = state.request.seeds, max(1, len(state.request.seeds) // 2)
    for part in (seeds[:half], seeds[half:]):
        batch = batch_of(state.request.prompt, state.config, part)
        for step in range(6):
            time.sleep(pause)
            noise = torch.randint(0, 256, batch.images.shape, generator=torch.Generator().manual_seed(step))
            blurred = (batch.images * (step / 6) + noise * (1 - step / 6)).byte()
            fraction = (len(state.images) + len(part) * step / 6) / len(seeds)
            state = replace(
                state,
                phase="generating",
                previews=dict(zip(part, blurred)),
                fraction=fraction,
                remaining=12 * (1 - fraction),
            )
            yield state
        add_batch(bench.store, batch)
        images = {**state.images, **dict(zip(part, batch.images))}
        scored = batch_of(state.request.prompt, state.config, tuple(images))
        scores = {score.metric: score for score in scores_of(scored)}
        state = replace(state, images=images, previews={}, scores=scores, generated=len(images), seconds=2.0)
        yield state
    add_scores(bench.store, scored, scores.values())
    yield replace(state, phase="done", fraction=1.0, remaining=None)


def with_numbers(monkeypatch: pytest.MonkeyPatch, name: str, **numbers: object) -> None:
    """A checkpoint of the registry has its makers' numbers."""
    real = Workbench.registry

    def registry(bench: Workbench) -> Registry:
        known = real(bench)
        return replace(known, checkpoints={**known.checkpoints, name: replace(known.checkpoints[name], **numbers)})

    monkeypatch.setattr(Workbench, "registry", registry)
