"""What a checkpoint draws, at a glance: one prompt with four fixed seeds as a strip, made once and shown in menus.

A strip lies in ``HOME/images/previews`` under the identity of what made it, so a checkpoint that changes gets another.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from t2ialign.diffusion.backbone import folder_of
from t2ialign.diffusion.generate import generate
from t2ialign.files import whole_file
from t2ialign.registry import BackboneEntry
from t2ialign.types import GenerationConfig, InputError, Prompt, SeedBatch, content_key
from t2ialign.use_cases.align.request import own_set
from t2ialign.use_cases.batches import prompt_sets
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import BatchState, config_of
from t2ialign.use_cases.batches.usual import usual_of_all
from t2ialign.use_cases.workbench import Workbench

SEEDS = (0, 1, 2, 3)
SIDE = 96  # pixels of each picture of a strip
UNASKED = 30.0  # seconds: a strip that takes longer is only made when somebody asks for it
FOLDER = "previews"


@dataclass(frozen=True)
class Strip:
    """A checkpoint's strip as it is asked for; ``file`` is there once it was made."""

    checkpoint: str
    entry: BackboneEntry
    prompt: Prompt
    config: GenerationConfig
    file: Path

    @property
    def made(self) -> bool:
        return self.file.is_file()


def strip_of(bench: Workbench, checkpoint: str) -> Strip | None:
    """Where a checkpoint's strip lies; None where its weights are not here, so that nobody knows yet what it is."""
    registry = bench.registry()
    listed = registry.checkpoints.get(checkpoint)
    if listed is None or folder_of(registry.backbones[listed.backbone]) is None:
        return None
    prompt = prompt_sets.load(own_set(registry.backbones[listed.backbone], "test"))[0]
    usual = usual_of_all([checkpoint], registry).run
    numbers = (usual.guidance_scale, usual.steps, usual.scheduler, usual.guidance)
    try:
        entry, config = config_of(bench, BatchRequest(prompt, checkpoint, SEEDS, *numbers))
    except InputError:  # an adapter that was never fetched
        return None
    name = f"{checkpoint}.{content_key([config.key, prompt.key, list(SEEDS)])}.webp"
    return Strip(checkpoint, entry, prompt, config, bench.home / "images" / FOLDER / name)


def strips(bench: Workbench) -> dict[str, Strip]:
    """The strips that there are, by checkpoint."""
    drawn = {file.stem.rpartition(".")[0] for file in (bench.home / "images" / FOLDER).glob("*.webp")}
    found = {name: strip_of(bench, name) for name in sorted(drawn)}
    return {name: strip for name, strip in found.items() if strip is not None and strip.made}


def draw_strip(bench: Workbench, strip: Strip, cancelled: Callable[[], bool] = lambda: False) -> Iterator[float]:
    """Draws and keeps a strip, yielding how far it is; one that is there is left alone.

    Raises:
        InputError: the checkpoint cannot be loaded.
    """
    if strip.made:
        return
    backbone = bench.backbone(strip.entry)
    parts: list[SeedBatch] = []
    with bench.sampling:
        events = generate(
            backbone,
            strip.prompt,
            strip.config,
            SEEDS,
            preview_every=0,
            cancelled=cancelled,
            checkpoints=bench.registry().checkpoints,
        )
        for event in events:
            if isinstance(event, SeedBatch):
                parts.append(event)
            else:
                yield event.done / event.total
    if sum(len(part.seeds) for part in parts) == len(SEEDS):
        with whole_file(strip.file) as part:
            part.write_bytes(_side_by_side(torch.cat([one.images for one in parts])))


def draw_after(bench: Workbench, batches: Iterable[BatchState], cancelled: Callable[[], bool]) -> None:
    """Makes the strips of checkpoints that have just drawn something, where what it took says that it is soon done."""
    for batch in batches:
        steps = batch.generated * batch.request.num_inference_steps
        strip = strip_of(bench, batch.request.checkpoint) if steps and not cancelled() else None
        if strip is None or strip.made:
            continue
        if batch.seconds / steps * len(SEEDS) * strip.config.num_inference_steps <= UNASKED:
            late = partial(_late, cancelled, time.monotonic() + UNASKED)
            with suppress(InputError):  # the run itself is done, whatever came of this
                list(draw_strip(bench, strip, late))


def _late(cancelled: Callable[[], bool], end: float) -> bool:
    return cancelled() or time.monotonic() > end


def _side_by_side(images: UInt8[Tensor, "n 3 h w"]) -> bytes:
    """Pictures in a row, each at most ``SIDE`` pixels high, with a gap between them."""
    small = []
    for image in images:
        picture = Image.fromarray(np.ascontiguousarray(image.permute(1, 2, 0).numpy()))
        picture.thumbnail((2 * SIDE, SIDE), Image.Resampling.LANCZOS)
        small.append(picture)
    gap = 4
    row = Image.new("RGBA", (sum(one.width + gap for one in small) - gap, small[0].height))
    left = 0
    for one in small:
        row.paste(one, (left, 0))
        left += one.width + gap
    buffer = io.BytesIO()
    row.save(buffer, "WEBP", quality=85, method=4)
    return buffer.getvalue()
