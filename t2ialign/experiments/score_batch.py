"""The main use case: a request becomes pictures, scores and a stored cell, watched as it happens.

A cell that is stored is never computed again: only missing seeds are generated, and scores of the same version and the
same seeds are read back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from t2ialign import registry, store
from t2ialign.experiments.requests import BatchRequest, check_metrics, check_prompt, check_sampling
from t2ialign.experiments.scoring import Scorer, weights_of
from t2ialign.experiments.workbench import Workbench
from t2ialign.metrics.scoring import version_of
from t2ialign.types import GenerationConfig, Prompt, Score, SeedBatch, cell_key

if TYPE_CHECKING:
    import torch

Phase = Literal["waiting", "loading", "generating", "scoring", "done"]


@dataclass(frozen=True)
class BatchState:
    """A seed batch as it stands. ``images`` are finished pictures by seed, ``previews`` those still taking shape."""

    request: BatchRequest
    config: GenerationConfig
    phase: Phase = "waiting"
    images: Mapping[int, torch.Tensor] = field(default_factory=dict)
    previews: Mapping[int, torch.Tensor] = field(default_factory=dict)
    scores: Mapping[str, Score] = field(default_factory=dict)
    fraction: float = 0.0
    seconds: float = 0.0
    remaining: float | None = None
    generated: int = 0
    notes: tuple[str, ...] = ()
    batch: SeedBatch | None = None

    @property
    def cell(self) -> str:
        return cell_key(self.config, self.request.prompt)

    @property
    def from_store(self) -> bool:
        """Whether every picture was there already."""
        return self.phase == "done" and self.generated == 0


def config_of(bench: Workbench, request: BatchRequest) -> tuple[registry.BackboneEntry, GenerationConfig]:
    """Checks a request and says exactly what will be sampled.

    Raises:
        InputError: an unknown checkpoint, a value out of range, ... in one sentence.
    """
    check_sampling(request.guidance_scale, request.num_inference_steps)
    entry, adapters = registry.resolve(request.checkpoint)
    config = GenerationConfig(
        backbone=entry.name,
        revision=registry.revision_of(entry),
        adapters=adapters,
        guidance=request.guidance,
        guidance_scale=float(request.guidance_scale),
        guidance_params=request.guidance_params,
        negative_prompt=request.negative_prompt,
        num_inference_steps=request.num_inference_steps,
        scheduler=request.scheduler,
        height=entry.size,
        width=entry.size,
        dtype=bench.dtype,
    )
    return entry, config


def checked(request: BatchRequest) -> BatchRequest:
    """The request with its prompt cleaned and its metrics known."""
    prompt = replace(request.prompt, text=check_prompt(request.prompt.text))
    return replace(request, prompt=prompt, metrics=check_metrics(request.metrics))


def score_batch(
    bench: Workbench, request: BatchRequest, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[BatchState]:
    """Generates what is missing, scores the whole batch, stores both; yields every step of it."""
    request = checked(request)
    entry, config = config_of(bench, request)
    started = time.monotonic()
    state = BatchState(request, config, "loading")
    yield state
    stored = _stored(bench, config, request.prompt, request.seeds)
    metrics, encoders = bench.scorers_for(entry, request.metrics)
    if stored is not None:
        state = replace(state, images=_by_seed(stored))
        known = _known_scores(bench, stored, metrics, encoders, request.seeds)
        if known is not None:
            yield replace(state, phase="done", fraction=1.0, scores=known, seconds=time.monotonic() - started, batch=stored)
            return
    scorer = Scorer(request.prompt, metrics, encoders)
    parts: list[SeedBatch] = []
    if stored is not None and stored.seeds:
        parts.append(stored)
        state = replace(state, scores=scorer.add(stored), phase="generating")
        yield state
    for state in _generate(bench, entry, state, scorer, parts, started, cancelled):
        yield state
    if cancelled():
        return
    yield _finish(bench, state, parts, scorer, started)


def _stored(bench: Workbench, config: GenerationConfig, prompt: Prompt, seeds: Sequence[int]) -> SeedBatch | None:
    return store.load_batch(bench.store, config, prompt, seeds) if bench.store else None
