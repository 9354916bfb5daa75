"""What people may ask for in words and numbers, and one sentence for everything that they may not.

It imports nothing heavy, so that a slip of the pen is answered at once.
"""

from __future__ import annotations

import math
import operator
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from t2ialign.types import InputError

MAX_SEEDS = 4096
MAX_SEED = 2**32 - 1
MAX_STEPS = 1000
SMALLEST_SIDE, MAX_SIDE = 8, 2048  # pixels
MAX_PROMPT = 20_000
SCALE_RANGE = (0.0, 50.0)


def is_text(said: str) -> bool:
    """Whether a string is text: half of a surrogate pair, which JSON can hold, is none and cannot be stored."""
    return not any("\ud800" <= letter <= "\udfff" for letter in said)


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


def check_seeds(seeds: Any) -> tuple[int, ...]:
    """The seeds as Python's whole numbers (numpy's and torch's count), if there are any, none twice, and each is one."""
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise InputError(f"Seeds are whole numbers, as range(16) or [1, 5, 9], not {str(seeds)[:40]!r}.")
    found = tuple(whole_number(seed, "A seed") for seed in islice(seeds, MAX_SEEDS + 1))
    if not found:
        raise InputError("Ask for at least one seed, e.g. 0-15.")
    if len(found) > MAX_SEEDS:
        raise InputError(f"These are more than {MAX_SEEDS} seeds: ask for fewer at a time.")
    seen: set[int] = set()
    for seed in found:
        if not 0 <= seed <= MAX_SEED:
            raise InputError(f"Seeds are whole numbers from 0 to {MAX_SEED}, not {seed}.")
        if seed in seen:
            raise InputError(f"The seed {seed} stands twice: name each seed once.")
        seen.add(seed)
    return found


def whole_number(value: Any, what: str) -> int:
    """Any library's whole number as Python's; true, false, texts and fractions are none."""
    try:
        if type(value).__name__ in ("bool", "bool_"):
            raise TypeError
        return operator.index(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{what} is a whole number, not {str(value)[:40]!r}.") from error


def clean_prompt(said: object, what: str = "prompt") -> str:
    """The text with its white space tidied (models see no difference), if it is text at all."""
    if not isinstance(said, str):
        raise InputError(f"The {what} is a text, not {str(said)[:40]!r}.")
    text = " ".join(said.split())
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


def check_prompt(said: object) -> str:
    """The tidied prompt, if it says anything."""
    text = clean_prompt(said)
    if not text:
        raise InputError("The prompt is empty: say what the picture should show.")
    return text


def check_steps(asked: object) -> int:
    """The number of denoising steps itself, if there are so many."""
    steps = whole_number(asked, "The number of steps")
    if not 1 <= steps <= MAX_STEPS:
        raise InputError(f"The number of steps must be a whole number from 1 to {MAX_STEPS}, not {steps}.")
    return steps


def check_guidance_scale(guidance_scale: Any) -> float:
    """The scale itself, or one sentence when it is no number from 0 to 50."""
    low, high = SCALE_RANGE
    try:
        scale = math.nan if isinstance(guidance_scale, str | bool) else float(guidance_scale)
    except (TypeError, ValueError, RuntimeError):
        scale = math.nan
    if not (math.isfinite(scale) and low <= scale <= high):
        said = guidance_scale if isinstance(guidance_scale, str) else f"{guidance_scale}"
        raise InputError(f"The guidance scale must be a number from {low:g} to {high:g}, not {said[:40]}.")
    return scale


def guidance_taken(guidance_scale: float) -> float:
    """The scale as stock pipelines take it: at 1 and below there is no guidance, the plain conditional model of 1.

    By the formula a scale below 1 would mix the prompt with nothing at all, and one of 0 would ignore it.
    """
    return max(guidance_scale, 1.0)


WEIGHTED = re.compile(
    r"\([^()]*:\s*[0-9.]+\s*\)|<(?:lora|lyco|hypernet):[^>]*>|\(\([^()]*\)\)|\[\[[^\[\]]*\]\]|\bBREAK\b"
)


def literal_note(text: str, what: str = "prompt") -> str:
    """Says that other programs' marks in a prompt are plain letters here; "" where there are none."""
    found = WEIGHTED.search(text)
    if found is None:
        return ""
    return (
        f"The {what} has {found[0][:40]!r}: weights, LoRA tags and BREAK are other programs' marks, and here the model "
        "reads them as plain letters. Say it in words, and name LoRAs with --checkpoint."
    )


def literal_notes(texts: Sequence[str]) -> str:
    """One sentence for many prompts: how many have marks that are read literally, and the first of them; "" where none has."""
    found = [note for text in texts if (note := literal_note(text))]
    return f"{len(found)} of {len(texts)} examples have other programs' marks. {found[0]}" if found else ""
