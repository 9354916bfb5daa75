"""Seeds of a designed experiment: every prompt has its own, the same for every checkpoint.

The seed alone decides most of a background, so prompts that share seeds 0-15 hold 16 backgrounds and not 16 a prompt: two
random halves of such seeds "differ" in half of the splits. With seeds of its own for each prompt, prompts are independent;
with the same ones for every checkpoint, differences stay paired. They are seeds like any other, torch's and diffusers', and
are recorded as such. Whoever names seeds gets those, on every prompt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from t2ialign.limits import parse_seeds
from t2ialign.types import InputError, Prompt, content_key

OWN = "own:"
BLOCK = 1000
BLOCKS = 1_000_000
DEFAULT = f"{OWN}16"

SeedPlan = int | tuple[int, ...]
"""Seeds that every prompt gets, or how many of its own each prompt gets."""


def designed_seeds(prompt: Prompt, n: int) -> tuple[int, ...]:
    """The first ``n`` of a prompt's own seeds: 1000 b, 1000 b + 1, ... with b from 1 to a million by the prompt's key.

    Raises:
        InputError: none, or more than there are (1000).
    """
    if not 1 <= n <= BLOCK:
        raise InputError(f"Each prompt has 1 to {BLOCK} seeds of its own, not {n}.")
    first = BLOCK * (1 + int(prompt.key, 16) % BLOCKS)
    return tuple(range(first, first + n))


def is_own(prompt: Prompt, seed: int) -> bool:
    """Whether a seed is one of a prompt's own."""
    return seed // BLOCK == designed_seeds(prompt, 1)[0] // BLOCK


def batch_mark(prompt: Prompt, seeds: Sequence[int]) -> float:
    """A number that names the seeds of a batch whose pictures depend on each other, for the identity of its cell.

    The first n of a prompt's own are n, so that a designed experiment is one config over all of its prompts; any others are
    what 48 bits of their hash say.
    """
    n = len(seeds)
    if n <= BLOCK and set(seeds) == set(designed_seeds(prompt, n)):
        return float(n)
    return float(2**48 + int(content_key(sorted(seeds))[:12], 16))


def seeds_for(plan: SeedPlan, prompt: Prompt) -> tuple[int, ...]:
    """A prompt's seeds under a plan."""
    return designed_seeds(prompt, plan) if isinstance(plan, int) else plan


def count_of(plan: SeedPlan) -> int:
    """How many seeds each prompt has."""
    return plan if isinstance(plan, int) else len(plan)


def parse_plan(said: str) -> SeedPlan:
    """``own:16`` (16 seeds of its own for each prompt), or seeds for every prompt alike as ``0-15,20``.

    Raises:
        InputError: neither, or more than there are.
    """
    said = said.strip()
    if not said.lower().startswith(OWN):
        return parse_seeds(said)
    count = said[len(OWN) :].strip()
    if not re.fullmatch(r"[0-9]{1,6}", count) or not 1 <= int(count) <= BLOCK:
        raise InputError(f"Seeds of each prompt's own are written as own:16, with a number from 1 to {BLOCK}.")
    return int(count)


def plan_text(plan: SeedPlan) -> str:
    """A plan as people write it: ``own:8``, ``0-7``, or one by one where there are gaps."""
    if isinstance(plan, int):
        return f"{OWN}{plan}"
    if len(plan) > 2 and list(plan) == list(range(plan[0], plan[0] + len(plan))):
        return f"{plan[0]}-{plan[-1]}"
    return ", ".join(map(str, plan))
