"""Pictures to learn from and to measure by: sampled cell by cell through the store, or from a policy in training."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.denoise import denoise
from t2ialign.files import write_whole
from t2ialign.guidance import begin_guidance
from t2ialign.store import images, record_batch
from t2ialign.types import AdapterUse, GenerationConfig, Prompt, SeedBatch
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import BatchState, by_seed, config_of, score_batch
from t2ialign.use_cases.batches.scoring import Scorer
from t2ialign.use_cases.workbench import Workbench

ONLY_PICTURES = ("mutual_information",)  # the cheapest thing to score: it was measured on the way
MICRO_BATCH = 16


@dataclass(frozen=True)
class Sampled:
    """Progress of sampling: cells done (with a fraction of the one at work) of ``total``; ``batch`` when one is whole."""

    done: float
    total: int
    batch: SeedBatch | None = None
    fresh: bool = True


def sampled(bench: Workbench, requests: Iterable[BatchRequest], cancelled: Callable[[], bool]) -> Iterator[Sampled]:
    """The pictures of every request, from the store where they are; a cell is whole before the next begins.

    Where another process owns the store, what earlier runs sampled is found by their notes (``remember``).
    """
    requests = tuple(requests)
    for number, request in enumerate(requests):
        config = config_of(bench, request)[1]
        known = recall(bench.home, config, request.prompt, request.seeds) if bench.store is None else None
        if known is not None:
            yield Sampled(number + 1, len(requests), known, fresh=False)
            continue
        for state in score_batch(bench, request, cancelled):
            yield Sampled(number + state.fraction * 0.99, len(requests), fresh=not state.from_store)
        if cancelled():
            return
        assert state.batch is not None, "a cell that was not cancelled is whole"
        remember(bench.home, state.batch)
        yield Sampled(number + 1, len(requests), state.batch, fresh=not state.from_store)


def scored(bench: Workbench, requests: Iterable[BatchRequest], cancelled: Callable[[], bool]) -> Iterator[BatchState]:
    """Every cell of the requests with all its scores, as ``score_batch`` shows it; remembered pictures are not remade."""
    for request in requests:
        entry, config = config_of(bench, request)
        known = recall(bench.home, config, request.prompt, request.seeds) if bench.store is None else None
        if known is None:
            for state in score_batch(bench, request, cancelled):
                yield state
            if cancelled():
                return
            if state.batch is not None:
                remember(bench.home, state.batch)
        else:
            scorer = Scorer(request.prompt, *bench.scorers_for(entry.scorers, request.metrics))
            yield BatchState(
                request, config, "done", by_seed(known), scores=scorer.add(known), fraction=1.0, batch=known
            )


def remember(home: Path, batch: SeedBatch) -> None:
    """Notes which picture files belong to a cell, for runs that cannot open the store."""
    path = _note(home, batch.cell)
    record = record_batch(home, batch)
    rows = {str(p.seed): [p.sha, p.mutual_information, p.mutual_information_released] for p in record.pictures}
    write_whole(path, json.dumps({**_noted(path), **rows}).encode())


def recall(home: Path, config: GenerationConfig, prompt: Prompt, seeds: tuple[int, ...]) -> SeedBatch | None:
    """A cell that was noted, if every one of its pictures is still there."""
    batch = SeedBatch(prompt, config, seeds, torch.empty(0, 3, 1, 1).byte(), torch.empty(0), torch.empty(0))
    rows = _noted(_note(home, batch.cell))
    if any(str(seed) not in rows for seed in seeds):
        return None
    found = [rows[str(seed)] for seed in seeds]
    files = [images.read(home, sha) for sha, _, _ in found]
    if any(data is None for data in files):
        return None
    numbers = torch.tensor([[paper, released] for _, paper, released in found], dtype=torch.float32)
    pictures = torch.stack([images.decode(data) for data in files if data is not None])
    return replace(batch, images=pictures, mutual_information=numbers[:, 0], mutual_information_released=numbers[:, 1])


def _note(home: Path, cell: str) -> Path:
    return home / "training" / "cells" / f"{cell}.json"


def _noted(path: Path) -> dict[str, list]:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}


@torch.no_grad()
def sample_policy(
    policy: Backbone, prompt: Prompt, seeds: tuple[int, ...], guidance_scale: float, steps: int, name: str = "policy"
) -> SeedBatch:
    """Pictures of a view as it is now, an adapter in training included; they belong to no stored cell."""
    size = policy.entry.size
    config = GenerationConfig(
        policy.entry.name,
        policy.revision,
        (AdapterUse(name),),
        guidance_scale=guidance_scale,
        num_inference_steps=steps,
        height=size,
        width=size,
        dtype=policy.dtype,
    )
    embeds, empty = policy.encode_prompts([prompt.text]), policy.encode_prompts([""])
    parts = []
    for start in range(0, len(seeds), MICRO_BATCH):
        guidance = begin_guidance("cfg", guidance_scale, ())
        chosen = seeds[start : start + MICRO_BATCH]
        *_, last = denoise(policy, embeds, empty, chosen, guidance, "ddim", steps, size, size)
        parts.append((policy.decode(last.latents), last.mutual_information, last.mutual_information_released))
    pictures, paper, released = (torch.cat([part.cpu() for part in column]) for column in zip(*parts))
    return SeedBatch(prompt, config, seeds, pictures, paper, released)
