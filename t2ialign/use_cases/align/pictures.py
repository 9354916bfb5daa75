"""Pictures to learn from and to measure by: sampled cell by cell through the store, or from a policy in training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch

from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.generate import sample
from t2ialign.limits import guidance_taken
from t2ialign.types import AdapterUse, GenerationConfig, Prompt, SeedBatch
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import BatchState, joined, score_batch
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
    """The pictures of every request, kept ones as they are; a cell is whole, and shared, before the next begins."""
    requests = tuple(requests)
    for number, request in enumerate(requests):
        for state in score_batch(bench, request, cancelled):
            yield Sampled(number + state.fraction * 0.99, len(requests), fresh=not state.from_store)
        if cancelled():
            return
        assert state.batch is not None, "a cell that was not cancelled is whole"
        bench.results.share(state.batch)
        yield Sampled(number + 1, len(requests), state.batch, fresh=not state.from_store)


def scored(bench: Workbench, requests: Iterable[BatchRequest], cancelled: Callable[[], bool]) -> Iterator[BatchState]:
    """Every cell of the requests with all its scores, as ``score_batch`` shows it, and shared."""
    for request in requests:
        for state in score_batch(bench, request, cancelled):
            yield state
        if cancelled():
            return
        if state.batch is not None:
            bench.results.share(state.batch)


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
        guidance_scale=guidance_taken(guidance_scale),
        num_inference_steps=steps,
        height=size,
        width=size,
        dtype=policy.dtype,
    )
    parts = [seeds[start : start + MICRO_BATCH] for start in range(0, len(seeds), MICRO_BATCH)]
    batches = [event for event in sample(policy, prompt, config, parts) if isinstance(event, SeedBatch)]
    return joined(batches, seeds)
