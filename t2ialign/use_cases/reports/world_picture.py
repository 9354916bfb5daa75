"""The picture of docs/embedded-world.md: a few prompts, each along guidance, the same seeds in every row."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import score_batch
from t2ialign.use_cases.workbench import Workbench

PROMPTS = ("a yellow star and a green square", "a small orange solid circle")
SCALES = (1.0, 2.0, 4.0, 8.0)
SEEDS = tuple(range(12))
STEPS = 25


def draw(bench: Workbench, path: Path) -> None:
    """Writes a picture with a row for each prompt and scale and a column for each seed; stored ones are not made again."""
    rows = [_row(bench, prompt, scale) for prompt in PROMPTS for scale in SCALES]
    try:
        Image.fromarray(torch.cat(rows, dim=-2).movedim(0, -1).numpy()).save(path)
    except (OSError, ValueError) as error:
        raise InputError(f"'{path}' cannot be written ({error}); choose a writable file that ends in .png.") from error


def _row(bench: Workbench, prompt: str, scale: float) -> UInt8[Tensor, "3 h w"]:
    *_, state = score_batch(bench, BatchRequest(Prompt(prompt), "base", SEEDS, scale, STEPS))
    return torch.cat(list(state.whole.images), dim=-1)
