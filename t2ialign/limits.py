"""What people may ask for in words and numbers, and one sentence for everything that they may not.

It imports nothing heavy, so that a slip of the pen is answered at once.
"""

from __future__ import annotations

import math
import re
import unicodedata

from t2ialign.types import InputError

MAX_SEEDS = 4096
MAX_SEED = 2**32 - 1
MAX_STEPS = 1000
MAX_PROMPT = 20_000
SCALE_RANGE = (0.0, 50.0)


def parse_seeds(said: str) -> tuple[int, ...]:
    """``"0-15,20"`` to seeds in the order given: whole numbers and ranges, none twice, at most 4096 of them."""
    seeds: list[int] = []
    for part in said.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,20})\s*(?:-\s*([0-9]{1,20})\s*)?", part)
        if not match:
            raise InputError(
                f"Seeds are whole numbers and ranges such as 0-15,20, and {part.strip()[:30]!r} is neither."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise InputError(f"The range of seeds {part.strip()} runs backwards: write {last}-{first}.")
        if last > MAX_SEED:
            raise InputError(f"Seeds go up to {MAX_SEED}: choose a smaller one than {last}.")
        if len(seeds) + last - first + 1 > MAX_SEEDS:
            raise InputError(f"These are more than {MAX_SEEDS} seeds: ask for fewer at a time.")
        seeds.extend(range(first, last + 1))
    return check_seeds(seeds)


def check_seeds(seeds: list[int] | tuple[int, ...]) -> tuple[int, ...]:
    """The seeds themselves, if there are any, none twice, and each is one."""
    if not seeds:
        raise InputError("Ask for at least one seed, e.g. 0-15.")
    if len(seeds) > MAX_SEEDS:
        raise InputError(f"These are more than {MAX_SEEDS} seeds: ask for fewer at a time.")
    seen: set[int] = set()
    for seed in seeds:
        if not 0 <= seed <= MAX_SEED:
            raise InputError(f"Seeds are whole numbers from 0 to {MAX_SEED}, not {seed}.")
        if seed in seen:
            raise InputError(f"The seed {seed} stands twice: name each seed once.")
        seen.add(seed)
    return tuple(seeds)


def clean_prompt(text: str, what: str = "prompt") -> str:
    """The text with its white space tidied (models see no difference), if it is text at all."""
    text = " ".join(text.split())
    for position, letter in enumerate(text):
        if unicodedata.category(letter) in ("Cc", "Cs"):
            raise InputError(
                f"The {what} has a control character (U+{ord(letter):04X}) at position {position + 1}: remove it."
            )
    if len(text) > MAX_PROMPT:
        raise InputError(
            f"The {what} has {len(text)} characters, and no model reads that many: keep it under {MAX_PROMPT}."
        )
    return text


def check_prompt(text: str) -> str:
    """The tidied prompt, if it says anything."""
    text = clean_prompt(text)
    if not text:
        raise InputError("The prompt is empty: say what the picture should show.")
    return text


def check_steps(steps: int) -> int:
    """The number of denoising steps itself, if there are so many."""
    if not 1 <= steps <= MAX_STEPS:
        raise InputError(f"The number of steps must be a whole number from 1 to {MAX_STEPS}, not {steps}.")
    return steps


def check_guidance_scale(guidance_scale: float) -> float:
    """The scale itself, or one sentence when it is no number from 0 to 50."""
    low, high = SCALE_RANGE
    if not (math.isfinite(guidance_scale) and low <= guidance_scale <= high):
        raise InputError(f"The guidance scale must be a number from {low:g} to {high:g}, not {guidance_scale:g}.")
    return guidance_scale
