"""What a person may ask for, checked: one prompt, some seeds, one to four checkpoints, and how to sample them."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from t2ialign.metrics import METRICS
from t2ialign.types import InputError, Prompt

MAX_CHECKPOINTS = 4
LONGEST_PROMPT = 2000


@dataclass(frozen=True)
class BatchRequest:
    """One seed batch of one checkpoint. ``metrics`` empty means: whatever the backbone's scorers can measure."""

    prompt: Prompt
    checkpoint: str
    seeds: tuple[int, ...]
    guidance_scale: float = 4.0
    num_inference_steps: int = 25
    scheduler: str = "ddim"
    guidance: str = "cfg"
    guidance_params: tuple[tuple[str, float], ...] = ()
    negative_prompt: str = ""
    metrics: tuple[str, ...] = ()


def check_prompt(text: str) -> str:
    """The prompt in one line of printable characters.

    Raises:
        InputError: nothing is left, or it is longer than any text encoder here could read.
    """
    cleaned = re.sub(r"\s+", " ", "".join(letter if letter.isprintable() else " " for letter in text)).strip()
    if not cleaned:
        raise InputError("The prompt is empty; describe the picture, for example 'a red circle and a blue square'.")
    if len(cleaned) > LONGEST_PROMPT:
        raise InputError(
            f"The prompt has {len(cleaned):,} characters; text encoders read a few dozen words, so shorten it to "
            f"{LONGEST_PROMPT:,} at most."
        )
    return cleaned


def check_sampling(guidance_scale: float, num_inference_steps: int) -> None:
    """Refuses values with which no picture comes out."""
    if not math.isfinite(guidance_scale) or not 0 <= guidance_scale <= 50:
        raise InputError(f"The guidance scale (CFG) is {guidance_scale:g}; choose a number from 0 to 50, 1 to 8 is usual.")
    if not 1 <= num_inference_steps <= 1000:
        raise InputError(f"{num_inference_steps} steps cannot be sampled; choose 1 to 1000, 25 is usual.")


def check_metrics(names: Iterable[str]) -> tuple[str, ...]:
    """Known metric names; an unknown one is answered with the nearest."""
    chosen = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    for name in chosen:
        if name not in METRICS:
            near = difflib.get_close_matches(name, METRICS, 1, 0.4)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(METRICS)}."
            raise InputError(f"There is no metric '{name}'; {hint}")
    return chosen
