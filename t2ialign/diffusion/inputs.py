"""What people may ask the loop for, and one sentence for everything that they may not."""

from __future__ import annotations

import re
import unicodedata

from t2ialign.diffusion.schedulers import SCHEDULERS
from t2ialign.guidance import begin_guidance
from t2ialign.registry import unknown
from t2ialign.types import GenerationConfig, InputError

MAX_SEEDS = 4096
MAX_SEED = 2**32 - 1
MAX_STEPS = 1000
MAX_SIDE = 2048
MAX_PROMPT = 20_000


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


def check_config(config: GenerationConfig, pixels_per_latent: int) -> None:
    """Refuses steps, sizes, guidance, schedulers and negative prompts that do not exist or make no sense."""
    steps = config.num_inference_steps
    if not 1 <= steps <= MAX_STEPS:
        raise InputError(f"The number of steps must be a whole number from 1 to {MAX_STEPS}, not {steps}.")
    for side in (config.height, config.width):
        if side % pixels_per_latent or not pixels_per_latent <= side <= MAX_SIDE:
            raise InputError(
                f"Height and width must be multiples of {pixels_per_latent} pixels up to {MAX_SIDE}, not {side}."
            )
    clean_prompt(config.negative_prompt, "negative prompt")
    if config.scheduler not in SCHEDULERS:
        raise unknown("scheduler", config.scheduler, SCHEDULERS)
    begin_guidance(config.guidance, config.guidance_scale, config.guidance_params)
