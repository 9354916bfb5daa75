"""Prompt, config and seeds to pictures: the use of the loop that everything else builds on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import UInt8
from torch import Tensor

from t2ialign.diffusion.adapters import blend
from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.denoise import DenoiseStep, denoise
from t2ialign.diffusion.guiding import OtherView
from t2ialign.diffusion.inputs import check_backbone, check_batch, check_config, no_information
from t2ialign.diffusion.memory import make_room, out_of_memory
from t2ialign.diffusion.micro_batches import remember
from t2ialign.diffusion.offload import OFFLOADED, offload, takes_turns
from t2ialign.diffusion.preview import preview
from t2ialign.diffusion.reading import check_tokens, read_prompt
from t2ialign.diffusion.text import PromptEmbeds, stack, truncation_note
from t2ialign.guidance import begin_guidance, needs_of, other_checkpoint, phrase_reader
from t2ialign.guidance.needs import PromptReading, TellsScale
from t2ialign.guidance.other_checkpoint import uses_in
from t2ialign.limits import check_prompt, check_seeds
from t2ialign.registry import CheckpointEntry
from t2ialign.types import GenerationConfig, InputError, Prompt, SeedBatch

SMALLER = (
    "There was no room for all pictures at once, so {} at a time were drawn: that is slower, and they are the same."
)
TILED = "A picture was decoded in tiles, because there was no room for all of it at once: seams may show."


@dataclass(frozen=True)
class SamplingProgress:
    """One step of one micro-batch is done: ``done`` of ``total`` steps over all micro-batches.

    ``previews`` are pictures of the step's predicted x0 by seed (after most steps none), full size or one pixel a
    latent cell; ``note`` says in a sentence how a long prompt, or negative prompt, was truncated ("" = neither was),
    ``memory`` what was done because the device had no room, a sentence each.
    """

    done: int
    total: int
    seeds: tuple[int, ...]
    previews: Mapping[int, UInt8[Tensor, "3 h w"]]
    note: str = ""
    memory: tuple[str, ...] = ()


def generate(
    backbone: Backbone,
    prompt: Prompt,
    config: GenerationConfig,
    seeds: Sequence[int],
    batch_size: int = 8,
    preview_every: int = 5,
    cancelled: Callable[[], bool] = lambda: False,
    checkpoints: Mapping[str, CheckpointEntry] | None = None,
) -> Iterator[SamplingProgress | SeedBatch]:
    """Checks everything (``InputError``), then yields ``SamplingProgress`` after every step and each finished ``SeedBatch``.

    Seeds run in micro-batches of ``batch_size``, or smaller ones where the device has no room; the pictures of a seed are
    the same in every batch (fp32 on a CPU: within one grey level, and mostly bit for bit), but for a strategy that couples a
    batch, which is one micro-batch then. ``preview_every`` 0 means no previews, else the first step and every so many after
    it. Once ``cancelled()`` is true the generator ends at the next step; what it yielded before is whole. ``checkpoints``
    says where the config's adapters lie (the registry's, if not given). Where the difference of the two predictions is no
    mutual information (``inputs.no_information``), that is NaN.
    """
    seeds = check_seeds(tuple(seeds))
    check_prompt(prompt.text)
    check_config(config, backbone.pixels_per_patch)
    check_match(config, backbone)
    check_backbone(config, backbone.entry)
    check_batch(config, prompt, seeds)
    check_tokens(backbone, prompt.text, config)
    if batch_size < 1:
        raise InputError("The batch size must be at least 1.")
    batch_size = len(seeds) if needs_of(config.guidance).whole_batch else batch_size
    parts = [seeds[start : start + batch_size] for start in range(0, len(seeds), batch_size)]
    view = blend(backbone, config.adapters, checkpoints)
    return sample(view, prompt, config, parts, preview_every, cancelled, checkpoints)


def check_match(config: GenerationConfig, backbone: Backbone) -> None:
    """Refuses a config that was made for another backbone, other weights of it or another precision."""
    loaded = {"backbone": backbone.entry.name, "revision": backbone.revision, "dtype": backbone.dtype}
    asked = {"backbone": config.backbone, "revision": config.revision or backbone.revision, "dtype": config.dtype}
    for name, value in asked.items():
        if value != loaded[name]:
            raise InputError(
                f"These settings are for {name} {value!r}, but {loaded[name]!r} is loaded: load the one they name."
            )


def sample(
    view: Backbone,
    prompt: Prompt,
    config: GenerationConfig,
    parts: Sequence[tuple[int, ...]],
    preview_every: int = 0,
    cancelled: Callable[[], bool] = lambda: False,
    checkpoints: Mapping[str, CheckpointEntry] | None = None,
) -> Iterator[SamplingProgress | SeedBatch]:
    """``generate`` without its checks, of a backbone's view as it is, an adapter in training included; ``parts`` are seeds."""
    embeds = _encoded(view, prompt, config)
    other = _other(view, prompt, config, embeds, checkpoints)
    cut = (truncation_note(said.truncated[0], what=what) for said, what in zip(embeds, ("prompt", "negative prompt")))
    note, smaller = " ".join(filter(None, cut)), ""
    todo, finished = list(parts), 0
    while todo:
        seeds = todo[0]
        try:
            for event in _one_part(view, prompt, config, seeds, embeds, other, preview_every, cancelled):
                if isinstance(event, SeedBatch):
                    yield event
                else:
                    steps, total = event.total, (finished + len(todo)) * event.total
                    memory = tuple(filter(None, (OFFLOADED if takes_turns(view) else "", smaller, *event.memory)))
                    yield replace(event, done=finished * steps + event.done, total=total, note=note, memory=memory)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if len(seeds) == 1 and offload(view):
                make_room()
                continue
            todo = _halved(todo, config, error)
            remember(view, config, len(todo[0]))
            smaller = SMALLER.format(len(todo[0]))
            continue
        if cancelled():
            return
        todo, finished = todo[1:], finished + 1


def _encoded(view: Backbone, prompt: Prompt, config: GenerationConfig) -> tuple[PromptEmbeds, PromptEmbeds]:
    """Embeddings of both prompts; where there is no room for that, networks take turns on the device from here."""
    while True:
        try:
            return (
                view.encode_prompts([prompt.text]),
                view.encode_prompts([config.negative_prompt], negative=True),
            )
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            full = error
        make_room()
        if not offload(view):
            raise InputError(
                f"There is no room on the device {view.device} for reading the prompt with {view.entry.name}: free memory "
                f"there, choose a smaller backbone{'' if view.device == 'cpu' else ', or set T2IALIGN_DEVICE=cpu'}."
            ) from full


def _other(
    view: Backbone,
    prompt: Prompt,
    config: GenerationConfig,
    embeds: tuple[PromptEmbeds, PromptEmbeds],
    checkpoints: Mapping[str, CheckpointEntry] | None,
) -> OtherView | None:
    """The checkpoint that the config's guidance names, on the same networks; it reads the prompts by its own adapters."""
    named = other_checkpoint(config.guidance, config.guidance_params)
    if not named:
        return None
    other = blend(view, uses_in(named), checkpoints)
    said, empty = _encoded(other, prompt, config) if view.switch.with_text else embeds
    return OtherView(other, stack([empty, said]))


def _halved(todo: list[tuple[int, ...]], config: GenerationConfig, error: RuntimeError) -> list[tuple[int, ...]]:
    """What is left to do in parts half as large as the first; ``InputError`` where that was a single picture."""
    make_room()
    if len(todo[0]) == 1:
        raise InputError(
            f"There is no room for one picture of {config.width} x {config.height} pixels: ask for smaller ones, free "
            "memory, or set T2IALIGN_DEVICE=cpu."
        ) from error
    if needs_of(config.guidance).whole_batch:
        raise InputError(
            f"There is no room for {len(todo[0])} pictures at once, and guidance {config.guidance} makes them together: ask "
            "for fewer seeds or smaller pictures."
        ) from error
    most = len(todo[0]) - len(todo[0]) // 2
    return [part[start : start + most] for part in todo for start in range(0, len(part), most)]


def _one_part(
    view: Backbone,
    prompt: Prompt,
    config: GenerationConfig,
    seeds: tuple[int, ...],
    embeds: tuple[PromptEmbeds, PromptEmbeds],
    other: OtherView | None,
    preview_every: int,
    cancelled: Callable[[], bool],
) -> Iterator[SamplingProgress | SeedBatch]:
    """One micro-batch; its steps are counted by themselves."""
    guidance = begin_guidance(config.guidance, config.guidance_scale, config.guidance_params)
    view = view.told(guidance.embedded if isinstance(guidance, TellsScale) else config.guidance_scale)
    reader = phrase_reader(config.guidance, config.guidance_params)
    reading = read_prompt(view, prompt.text, reader) if needs_of(config.guidance).phrases else PromptReading()
    size = config.height, config.width
    steps = denoise(view, *embeds, seeds, guidance, config.scheduler, config.num_inference_steps, *size, reading, other)
    for step in steps:
        if cancelled():
            return
        wanted = preview_every > 0 and step.index % preview_every == 0 and step.index + 1 < step.total
        pictures = preview(view, step.predicted_x0) if wanted else ()
        previews = dict(zip(seeds, pictures, strict=False))
        yield SamplingProgress(step.index + 1, config.num_inference_steps, seeds, previews)
    tiled: list[str] = []
    batch = _seed_batch(view, prompt, config, seeds, step, lambda: tiled.append(TILED))
    if tiled:
        yield SamplingProgress(config.num_inference_steps, config.num_inference_steps, seeds, {}, memory=(TILED,))
    yield batch


def _seed_batch(
    view: Backbone,
    prompt: Prompt,
    config: GenerationConfig,
    seeds: tuple[int, ...],
    last: DenoiseStep,
    tiled: Callable[[], None],
) -> SeedBatch:
    paper, released = last.mutual_information.cpu(), last.mutual_information_released.cpu()
    share: Tensor | None = last.mutual_information_map.cpu()
    if no_information(config, view.entry):
        paper, released, share = torch.full_like(paper, torch.nan), torch.full_like(released, torch.nan), None
    return SeedBatch(prompt, config, seeds, view.decode(last.latents, tiled), paper, released, share)
