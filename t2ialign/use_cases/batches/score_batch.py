"""The main use case: a request becomes pictures, scores and a stored cell, watched as it happens.

A cell that is stored is never computed again: only missing seeds are generated, and scores of the same version and the
same seeds are read back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import UInt8
from torch import Tensor

from t2ialign.diffusion.adapter_files import left_out
from t2ialign.diffusion.backbone import folder_of
from t2ialign.diffusion.inputs import check_config
from t2ialign.diffusion.text import prompt_notes
from t2ialign.metrics.scoring import version_of
from t2ialign.registry import BackboneEntry, resolve
from t2ialign.types import Encoder, GenerationConfig, Metric, Prompt, Score, SeedBatch, cell_key
from t2ialign.use_cases.batches.requests import BatchRequest, checked
from t2ialign.use_cases.batches.scoring import Scorer, unread_notes, weights_of
from t2ialign.use_cases.workbench import Workbench

Phase = Literal["waiting", "loading", "generating", "done"]
MICRO_BATCH = {"cpu": 8, "cuda": 16}


@dataclass(frozen=True)
class BatchState:
    """A seed batch as it stands. ``images`` are finished pictures by seed, ``previews`` those still taking shape."""

    request: BatchRequest
    config: GenerationConfig
    phase: Phase = "waiting"
    images: Mapping[int, UInt8[Tensor, "3 h w"]] = field(default_factory=dict)
    previews: Mapping[int, UInt8[Tensor, "3 h w"]] = field(default_factory=dict)
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
    def whole(self) -> SeedBatch:
        """The finished batch of a state that says ``done`` and was not cancelled."""
        assert self.batch is not None, "a batch that was not cancelled is whole"
        return self.batch

    @property
    def from_store(self) -> bool:
        """Whether every picture was there already."""
        return self.phase == "done" and self.generated == 0


def config_of(bench: Workbench, request: BatchRequest) -> tuple[BackboneEntry, GenerationConfig]:
    """What exactly a request samples, and from which backbone.

    Raises:
        InputError: an unknown checkpoint or scheduler, a value out of range, ... in one sentence.
    """
    entry, adapters = resolve(request.checkpoint, bench.registry())
    config = GenerationConfig(
        backbone=entry.name,
        revision=bench.revision(entry),
        adapters=adapters,
        guidance=request.guidance,
        guidance_scale=float(request.guidance_scale),
        guidance_params=request.guidance_params,
        negative_prompt=request.negative_prompt,
        num_inference_steps=request.num_inference_steps,
        scheduler=request.scheduler,
        height=entry.size,
        width=entry.size,
        dtype=entry.dtype or bench.dtype,
    )
    check_config(config, pixels_per_latent=1)
    return entry, config


def score_batch(
    bench: Workbench, request: BatchRequest, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[BatchState]:
    """Generates what is missing, scores the whole batch, stores both; yields every step of it."""
    request = checked(request)
    entry, config = config_of(bench, request)
    started = time.monotonic()
    state = BatchState(request, config, "loading")
    yield state
    metrics, encoders = bench.scorers_for(entry.scorers, request.metrics)
    state = replace(state, notes=notes_on(bench, entry, request, config, encoders))
    stored = bench.results.batch(config, request.prompt, request.seeds)
    known = _known_scores(bench, stored, metrics, encoders) if stored.seeds == request.seeds else None
    if known is not None:
        yield _done(replace(state, scores=known), stored, started)
        return
    scorer = Scorer(request.prompt, metrics, encoders)
    parts = [stored] if stored.seeds else []
    state = replace(state, images=by_seed(stored), scores=scorer.add(stored) if parts else {})
    for newer in _generate(bench, entry, state, scorer, parts, cancelled):
        state = replace(newer, seconds=time.monotonic() - started)
        yield state
    if cancelled():
        return
    batch = joined(parts, request.seeds)
    scores = state.scores if tuple(seed for part in parts for seed in part.seeds) == request.seeds else None
    if scores is None:  # the stored part came first: score once more in the order asked for
        scores = Scorer(request.prompt, metrics, encoders).add(batch)
    bench.results.keep_scores(batch, scores.values())
    yield _done(replace(state, scores=scores), batch, started)


def notes_on(
    bench: Workbench,
    entry: BackboneEntry,
    request: BatchRequest,
    config: GenerationConfig,
    encoders: Sequence[Encoder] = (),
) -> tuple[str, ...]:
    """What people should know about how a request is read: the same sentences for new pictures and for stored ones.

    What of the prompts no model reads, marks of other programs, what of an adapter is not used, CFG 0.
    """
    found = list(request.notes)
    folder = folder_of(entry)
    if folder is not None:
        found += prompt_notes(folder, request.prompt.text, request.negative_prompt)
    found += unread_notes(encoders, request.prompt)
    known = bench.registry().checkpoints if config.adapters else {}
    for use in config.adapters:
        adapter = known[use.name].adapter if use.name in known else None
        found += [left_out(adapter, use.name)] if isinstance(adapter, Path) else []
    return tuple(dict.fromkeys(filter(None, found)))


def _known_scores(
    bench: Workbench, batch: SeedBatch, metrics: Sequence[Metric], encoders: Sequence[Encoder]
) -> dict[str, Score] | None:
    """Stored scores of exactly this batch in today's versions, or None if one is missing."""
    stored = {(score.metric, score.version): score for score in bench.results.scores(batch)}
    wanted = [(metric.name, version_of(metric, weights_of(metric, encoders))) for metric in metrics]
    if any(key not in stored for key in wanted):
        return None
    return {name: stored[name, version] for name, version in wanted}


def _generate(
    bench: Workbench,
    entry: BackboneEntry,
    state: BatchState,
    scorer: Scorer,
    parts: list[SeedBatch],
    cancelled: Callable[[], bool],
) -> Iterator[BatchState]:
    """Samples the seeds that have no picture yet; each finished part is stored, scored and appended to ``parts``."""
    from t2ialign.diffusion.generate import generate

    missing = tuple(seed for seed in state.request.seeds if seed not in state.images)
    if not missing:
        return
    backbone = bench.backbone(entry)
    begun = time.monotonic()
    size = MICRO_BATCH[bench.device.split(":")[0]]
    with bench.sampling:
        events = generate(
            backbone,
            state.request.prompt,
            state.config,
            missing,
            batch_size=size,
            cancelled=cancelled,
            checkpoints=bench.registry().checkpoints,
        )
        for event in events:
            if isinstance(event, SeedBatch):
                part = bench.results.keep_pictures(event, time.monotonic() - begun)
                parts.append(part)
                state = replace(
                    state,
                    images={**state.images, **by_seed(part)},
                    previews={seed: image for seed, image in state.previews.items() if seed not in part.seeds},
                    scores=scorer.add(part),
                    generated=state.generated + len(part.seeds),
                )
            else:
                spent = time.monotonic() - begun
                state = replace(
                    state,
                    phase="generating",
                    previews={**state.previews, **event.previews},
                    fraction=event.done / event.total,
                    remaining=spent * (event.total - event.done) / event.done,
                )
            yield state


def _done(state: BatchState, batch: SeedBatch, started: float) -> BatchState:
    seconds = time.monotonic() - started
    return replace(
        state,
        phase="done",
        images=by_seed(batch),
        previews={},
        batch=batch,
        fraction=1.0,
        remaining=None,
        seconds=seconds,
    )


def stored_state(bench: Workbench, prompt: Prompt, config: GenerationConfig, seeds: tuple[int, ...]) -> BatchState:
    """A batch as the store remembers it: whatever pictures and scores are there; nothing is computed or loaded."""
    batch = bench.results.batch(config, prompt, seeds)
    scores = {score.metric: score for score in bench.results.scores(batch)}
    request = BatchRequest(
        prompt,
        config.checkpoint if config.adapters else _plain_name(bench, config),
        seeds,
        config.guidance_scale,
        config.num_inference_steps,
        config.scheduler,
        config.guidance,
        config.guidance_params,
        config.negative_prompt,
    )
    whole = batch.seeds == seeds
    entry = bench.registry().backbones.get(config.backbone)
    return BatchState(
        request,
        config,
        "done" if whole else "waiting",
        images=by_seed(batch),
        scores=scores,
        fraction=len(batch.seeds) / len(seeds),
        notes=notes_on(bench, entry, request, config) if entry else (),
        batch=batch,
    )


def _plain_name(bench: Workbench, config: GenerationConfig) -> str:
    """The checkpoint that is a backbone itself: ``base`` for the embedded one."""
    entries = bench.registry().checkpoints.values()
    names = [entry.name for entry in entries if entry.backbone == config.backbone and entry.adapter is None]
    return names[0] if names else config.checkpoint


def by_seed(batch: SeedBatch) -> dict[int, UInt8[Tensor, "3 h w"]]:
    return dict(zip(batch.seeds, batch.images, strict=True))


def joined(parts: Sequence[SeedBatch], seeds: Sequence[int]) -> SeedBatch:
    """Parts of one cell as one batch in the order of ``seeds``."""
    found = [seed for part in parts for seed in part.seeds]
    order = torch.tensor([found.index(seed) for seed in seeds])
    return replace(
        parts[0],
        seeds=tuple(seeds),
        images=torch.cat([part.images for part in parts])[order],
        mutual_information=torch.cat([part.mutual_information for part in parts])[order],
        mutual_information_released=torch.cat([part.mutual_information_released for part in parts])[order],
        mutual_information_map=_joined_maps(parts, order),
    )


def _joined_maps(parts: Sequence[SeedBatch], order: Tensor) -> Tensor | None:
    """The parts' maps in that order, or None where one of them has none."""
    maps = [part.mutual_information_map for part in parts if part.mutual_information_map is not None]
    return torch.cat(maps)[order] if len(maps) == len(parts) else None
