"""GPUs that are lent for a call at a time (the Hub's ZeroGPU), through its optional package `spaces`.

There, what is decorated runs in a process of its own that alone has the GPU and ends with the call. So only sampling is
sent there: the models are loaded before, in the parent, and what is drawn comes back as records on the CPU, which the parent
stores and scores. A run that is cancelled is noticed between two records. Everywhere else sampling is called as it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from t2ialign import settings
from t2ialign.registry import CheckpointEntry
from t2ialign.types import GenerationConfig, InputError, Prompt, SeedBatch

if TYPE_CHECKING:
    from t2ialign.diffusion.backbone import Backbone
    from t2ialign.diffusion.generate import SamplingProgress

SECONDS_A_STEP, LEAST, MOST = 0.25, 20, 120  # of one picture of 512 pixels, guessed on the safe side; of a call
NO_TRAINING = (
    "This Space lends its GPU for one call at a time, and training needs one for longer: train on a machine of your own "
    "or a Space with its own GPU, then publish the checkpoint with `push` and add it here."
)


def refuse_training() -> None:
    """``InputError`` where the GPU is lent for a call at a time."""
    if settings.LENT_GPU:
        raise InputError(NO_TRAINING)


def seconds(
    view: Backbone,
    prompt: Prompt,
    config: GenerationConfig,
    seeds: tuple[int, ...],
    batch_size: int,
    checkpoints: Mapping[str, CheckpointEntry],
) -> int:
    """How long a call asks for the GPU, from pictures times steps times their size; the same parameters as ``_sampled``."""
    area = config.height * config.width / 512**2
    wanted = len(seeds) * config.num_inference_steps * max(area, 0.1) * SECONDS_A_STEP
    return int(min(max(wanted, LEAST), MOST))


def sampled(
    view: Backbone,
    prompt: Prompt,
    config: GenerationConfig,
    seeds: tuple[int, ...],
    batch_size: int,
    cancelled: Callable[[], bool],
    checkpoints: Mapping[str, CheckpointEntry],
) -> Iterator[SamplingProgress | SeedBatch]:
    """``diffusion.generate`` on the GPU that there is: this machine's own, or one that is lent."""
    from t2ialign.diffusion.generate import generate

    if not settings.LENT_GPU:
        yield from generate(
            view, prompt, config, seeds, batch_size=batch_size, cancelled=cancelled, checkpoints=checkpoints
        )
        return
    events = borrowing()(view, prompt, config, seeds, batch_size, checkpoints)
    for event in events:
        if cancelled():
            events.close()
            return
        yield event


@cache
def borrowing() -> Callable[..., Any]:
    """``_sampled`` with a lent GPU. Call it before the page is shown: `spaces` looks for such functions at the start.

    Raises:
        InputError: `spaces` is not installed.
    """
    try:
        spaces = importlib.import_module("spaces")
    except ImportError as error:
        raise InputError(
            "This Space lends its GPU through the package `spaces`, which is missing: add t2ialign[space] to its "
            "requirements."
        ) from error
    decorated: Callable[..., Any] = spaces.GPU(_sampled, duration=seconds)
    return decorated


def _sampled(
    view: Backbone,
    prompt: Prompt,
    config: GenerationConfig,
    seeds: tuple[int, ...],
    batch_size: int,
    checkpoints: Mapping[str, CheckpointEntry],
) -> Iterator[SamplingProgress | SeedBatch]:
    from t2ialign.diffusion.generate import generate

    yield from generate(view, prompt, config, seeds, batch_size=batch_size, checkpoints=checkpoints)
