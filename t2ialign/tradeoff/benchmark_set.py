"""A benchmark set: the prompts, and of each the seeds, on which checkpoints are compared with each other.

A chart of unequal prompts compares prompts, not checkpoints: one easy prompt more moves a point. So points, fronts and
correlations belong to a set, and only scores of exactly its seeds count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from t2ialign.seeds import SeedPlan, plan_text, seeds_for
from t2ialign.types import InputError, Prompt, content_key

LONGEST_TITLE = 120


@dataclass(frozen=True)
class BenchmarkSet:
    """Prompts with the seeds of each; ``key`` is the hash of both, so that a title can change and the set cannot."""

    title: str
    cells: tuple[tuple[Prompt, tuple[int, ...]], ...]

    @cached_property
    def key(self) -> str:
        return content_key(sorted([prompt.key, list(seeds)] for prompt, seeds in self.cells))


def benchmark_set(title: str, prompts: Iterable[Prompt], plan: SeedPlan) -> BenchmarkSet:
    """The set of some prompts under a seed plan.

    Raises:
        InputError: no prompt, or no title.
    """
    cells = tuple((prompt, tuple(seeds_for(plan, prompt))) for prompt in dict.fromkeys(prompts))
    title = " ".join(title.split())[:LONGEST_TITLE]
    if not cells or not title:
        raise InputError("A benchmark set needs a name and at least one prompt.")
    return BenchmarkSet(title, cells)


def title_of(name: str, plan: SeedPlan) -> str:
    """What a set made of a file of prompts is called: ``shapes-test, 8 seeds each``, ``my prompts, seeds 0-15``."""
    return f"{name}, {plan} seeds each" if isinstance(plan, int) else f"{name}, seeds {plan_text(plan)}"
