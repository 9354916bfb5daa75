"""The main use case: a request becomes pictures, scores and a stored cell, watched as it happens.

A cell that is stored is never computed again: only missing seeds are generated, and scores of the same version and the
same seeds are read back.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import UInt8
from torch import Tensor

from t2ialign.diffusion.backbone import folder_of
from t2ialign.diffusion.compiling import warming
from t2ialign.diffusion.inputs import check_backbone, check_batch, check_config, no_information
from t2ialign.diffusion.micro_batches import micro_batch
from t2ialign.diffusion.offload import OFFLOADED
from t2ialign.diffusion.reading import FOUND, phrases_note
from t2ialign.diffusion.text import prompt_notes
from t2ialign.guidance import Params, fitted_params, needs_of, spelled_params
from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import version_of
from t2ialign.registry import BackboneEntry, resolve
from t2ialign.seeds import BATCH, batch_mark
from t2ialign.types import GenerationConfig, Metric, Prompt, Score, SeedBatch, cell_key
from t2ialign.use_cases.batches.requests import BatchRequest, checked
from t2ialign.use_cases.batches.scoring import Scorer, weights_of
from t2ialign.use_cases.lent_gpu import sampled
from t2ialign.use_cases.measures import LeftOut, Measures, PlannedMeasures
from t2ialign.use_cases.measures import joined as left_out_once
from t2ialign.use_cases.workbench import SAMPLED, Workbench

NO_EFFECT = "Without guidance (CFG 1) the negative prompt has no effect: choose a CFG above 1."
Phase = Literal["waiting", "loading", "generating", "done"]


@dataclass(frozen=True)
class BatchState:
    """A seed batch as it stands. ``images`` are finished pictures by seed, ``previews`` those still taking shape.

    ``left_out`` are metrics without a score, with their reason; ``notes`` say so too.
    """

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
    left_out: tuple[LeftOut, ...] = ()
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
        guidance_params=_params(request, entry.small),
        negative_prompt=request.negative_prompt,
        num_inference_steps=request.num_inference_steps,
        scheduler=request.scheduler,
        height=request.height or entry.size,
        width=request.width or entry.size,
        dtype=entry.dtype or bench.dtype,
    )
    check_config(config, pixels_per_latent=1)
    check_backbone(config, entry)
    check_batch(config, request.prompt, request.seeds)
    return entry, config


def _params(request: BatchRequest, small: bool) -> Params:
    """The parameters of a request's strategy; where that couples the pictures of a batch, they say which batch it is."""
    given = dict(fitted_params(request.guidance, request.guidance_params, small))
    if needs_of(request.guidance).whole_batch:
        given.setdefault(BATCH, batch_mark(request.prompt, request.seeds))
    return tuple(sorted(given.items()))


def score_batch(
    bench: Workbench, request: BatchRequest, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[BatchState]:
    """Generates what is missing, scores the whole batch, stores both; yields every step of it."""
    request = checked(request)
    entry, config = config_of(bench, request)
    started = time.monotonic()
    state = BatchState(request, config, "loading")
    yield state
    chosen = _chosen(bench, entry, request)
    state = _noted(replace(state, notes=notes_on(bench, entry, request, config)), chosen.left_out)
    scoring = _Scoring(bench, chosen, request.prompt)
    stored = bench.results.batch(config, request.prompt, request.seeds)
    kept = bench.results.notes(stored)
    state = _noted(state, (), kept)
    known = _known_scores(bench, stored, scoring.measures) if stored.seeds == request.seeds else None
    if known is not None:
        state = scoring.told(replace(state, scores=known))
        if set(lasting(state)) - set(kept):  # stored before notes were
            bench.results.keep_scores(stored, (), lasting(state))
        yield _done(state, stored, started, entry)
        return
    parts = [stored] if stored.seeds else []
    state = replace(state, images=by_seed(stored))
    for newer in _generate(bench, entry, state, scoring, parts, cancelled):
        state = replace(newer, seconds=time.monotonic() - started)
        yield state
    if cancelled():
        return
    batch = joined(parts, request.seeds)
    in_order = tuple(seed for part in parts for seed in part.seeds) == request.seeds
    if not in_order or not state.generated:  # a stored part came first, or there is only a stored one
        state = _Scoring(bench, chosen, request.prompt).scored(state, batch)
    bench.results.keep_scores(batch, state.scores.values(), lasting(state))
    yield _done(state, batch, started, entry)


def _chosen(bench: Workbench, entry: BackboneEntry, request: BatchRequest) -> PlannedMeasures:
    """The scorers of a request, before anything is loaded."""
    found = bench.choose((*request.scorers, *entry.scorers), request.metrics, entry.on_request)
    more = f" --scorers {','.join(request.scorers)}" if request.scorers else ""
    lost = tuple(replace(part, again=f"{part.again}{more}") if part.again else part for part in found.left_out)
    return replace(found, left_out=lost)


@dataclass
class _Scoring:
    """The scorers of one batch, loaded when its first pictures are there to be scored."""

    bench: Workbench
    chosen: PlannedMeasures
    prompt: Prompt

    @cached_property
    def measures(self) -> Measures:
        return self.bench.load(self.chosen)

    @cached_property
    def scorer(self) -> Scorer:
        return Scorer(self.prompt, self.measures.metrics, self.measures.encoders, forgiving=True)

    def scored(self, state: BatchState, part: SeedBatch) -> BatchState:
        """The state with the scores of these pictures and all before them."""
        return self.told(replace(state, scores=self.scorer.add(part)))

    def told(self, state: BatchState) -> BatchState:
        """The state with what is left out, and what of the prompt is not read."""
        lost = (*self.measures.left_out, *self.scorer.left_out())
        return _noted(state, lost, self.scorer.unread())


def _noted(state: BatchState, left_out: Iterable[LeftOut], notes: Iterable[str] = ()) -> BatchState:
    """The state with what is left out, as data and in sentences."""
    lost = left_out_once((*state.left_out, *left_out))
    known = {str(part) for part in state.left_out}
    said = [note for note in state.notes if note not in known]
    return replace(state, left_out=lost, notes=tuple(dict.fromkeys((*said, *notes, *map(str, lost)))))


def lasting(state: BatchState) -> tuple[str, ...]:
    """The notes that are kept with a cell: those of how its prompt is read, not of how it was asked for or what is away."""
    passing = {*state.request.notes, *map(str, state.left_out), OFFLOADED}
    return tuple(note for note in state.notes if note not in passing and not note.startswith(FOUND))


def blank_notes(state: BatchState, entry: BackboneEntry) -> Iterator[str]:
    """Why metrics that were asked for by name have no value, a sentence a reason."""
    blank = [name for name in state.request.metrics if name in state.scores and math.isnan(state.scores[name].mean)]
    reasons = {name: _why_blank(METRICS[name], state, entry) for name in blank}
    for reason in dict.fromkeys(reasons.values()):
        yield f"{', '.join(name for name in blank if reasons[name] == reason)}: {reason}."


def _why_blank(metric: Metric, state: BatchState, entry: BackboneEntry) -> str:
    if metric.level != "image" and len(state.request.seeds) < 2:
        return "compares pictures with each other, and there is only one; ask for at least two seeds"
    if metric.name in SAMPLED and (reason := no_information(state.config, entry)):
        return reason
    return "unknown here, because what measures it cannot read this prompt or these pictures"


def notes_on(
    bench: Workbench,
    entry: BackboneEntry,
    request: BatchRequest,
    config: GenerationConfig,
) -> tuple[str, ...]:
    """What people should know about how a request is read: the same sentences for new pictures and for stored ones.

    What of the prompts the model does not read, marks of other programs, the noun phrases that guidance works on, CFG below 1,
    and a negative prompt without guidance.
    """
    found = list(request.notes)
    if config.negative_prompt and config.guidance_scale == 1:
        found.append(NO_EFFECT)
    folder = folder_of(entry)
    if folder is not None:
        found += prompt_notes(folder, request.prompt.text, request.negative_prompt)
        found.append(phrases_note(folder, request.prompt.text, config.guidance, config.guidance_params))
    return tuple(dict.fromkeys(filter(None, found)))


def _known_scores(bench: Workbench, batch: SeedBatch, measures: Measures) -> dict[str, Score] | None:
    """Stored scores of exactly this batch in today's versions, or None if one is missing."""
    stored = {(score.metric, score.version): score for score in bench.results.scores(batch)}
    wanted = [(metric.name, version_of(metric, weights_of(metric, measures.encoders))) for metric in measures.metrics]
    if any(key not in stored for key in wanted):
        return None
    return {name: stored[name, version] for name, version in wanted}


def _generate(
    bench: Workbench,
    entry: BackboneEntry,
    state: BatchState,
    scoring: _Scoring,
    parts: list[SeedBatch],
    cancelled: Callable[[], bool],
) -> Iterator[BatchState]:
    """Samples the seeds that have no picture yet; each finished part is stored, scored and appended to ``parts``."""
    missing = tuple(seed for seed in state.request.seeds if seed not in state.images)
    if not missing:
        return
    unscored = list(parts)
    backbone = bench.backbone(entry)
    begun = time.monotonic()
    size = micro_batch(backbone, state.config)
    slow = warming(backbone.unet, min(size, len(missing)), state.config.height, state.config.width)
    if slow:
        yield replace(state, notes=(*state.notes, slow))
    with bench.sampling:
        events = sampled(
            backbone, state.request.prompt, state.config, missing, size, cancelled, bench.registry().checkpoints
        )
        for event in events:
            if isinstance(event, SeedBatch):
                part = bench.results.keep_pictures(event, time.monotonic() - begun)
                parts.append(part)
                state = _with_part(state, part)
                yield state  # the pictures are there before anything that scores them is loaded
                for one in (*unscored, part):
                    state = scoring.scored(state, one)
                unscored = []
            else:
                spent = time.monotonic() - begun
                state = replace(
                    state,
                    phase="generating",
                    previews={**state.previews, **event.previews},
                    fraction=event.done / event.total,
                    remaining=spent * (event.total - event.done) / event.done,
                    notes=tuple(dict.fromkeys((*state.notes, *event.memory))),
                )
            yield state


def _with_part(state: BatchState, part: SeedBatch) -> BatchState:
    """The state with finished pictures in the place of their previews."""
    previews = {seed: image for seed, image in state.previews.items() if seed not in part.seeds}
    images = {**state.images, **by_seed(part)}
    return replace(state, images=images, previews=previews, generated=state.generated + len(part.seeds))


def _done(state: BatchState, batch: SeedBatch, started: float, entry: BackboneEntry) -> BatchState:
    seconds = time.monotonic() - started
    return replace(
        state,
        notes=tuple(dict.fromkeys((*state.notes, *blank_notes(state, entry)))),
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
    entry = bench.registry().backbones.get(config.backbone)
    request = BatchRequest(
        prompt,
        config.checkpoint if config.adapters else plain_name(bench, config),
        seeds,
        config.guidance_scale,
        config.num_inference_steps,
        config.scheduler,
        config.guidance,
        spelled_params(config.guidance, config.guidance_params),
        config.negative_prompt,
        height=config.height if entry is None or config.height != entry.size else 0,
        width=config.width if entry is None or config.width != entry.size else 0,
    )
    whole = batch.seeds == seeds
    lost = bench.absent(entry.scorers) if entry else ()
    unscored = ((part, tuple(name for name in part.metrics if name not in scores)) for part in lost)
    state = BatchState(
        request,
        config,
        "done" if whole else "waiting",
        images=by_seed(batch),
        scores=scores,
        fraction=len(batch.seeds) / len(seeds),
        notes=notes_on(bench, entry, request, config) if entry else (),
        batch=batch,
    )
    state = _noted(state, (), bench.results.notes(batch))
    return _noted(state, (replace(part, metrics=names) for part, names in unscored if names))


def plain_name(bench: Workbench, config: GenerationConfig) -> str:
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
