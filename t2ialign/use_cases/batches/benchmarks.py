"""Benchmark sets: the shipped ones (``data/benchmarks``), those that sweeps make, and those that stray prompts could be."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from t2ialign import settings, store
from t2ialign.files import foreign, text_of
from t2ialign.seeds import SeedPlan, designed_seeds, parse_plan, plan_text
from t2ialign.store import Store
from t2ialign.tradeoff.benchmark_set import BenchmarkSet, benchmark_set, title_of
from t2ialign.types import Prompt
from t2ialign.use_cases.batches import prompt_sets

FOLDER = settings.DATA / "benchmarks"
FEWEST = 2  # prompts of a sweep that are a set: one prompt's chart is on Explore


@dataclass(frozen=True)
class StrayGroup:
    """Scored prompts outside every set that could be one: the same plan of seeds, and so many configs at most."""

    plan: SeedPlan
    prompts: tuple[Prompt, ...]
    configs: int

    @property
    def seeds(self) -> str:
        """The plan as people write it."""
        return plan_text(self.plan)


def shipped() -> list[BenchmarkSet]:
    """The sets of ``data/benchmarks``: a title, a prompt set and a plan of seeds each."""
    return [read_set(path) for path in sorted(FOLDER.glob("*.toml"))]


def read_set(path: Path) -> BenchmarkSet:
    """A set from a TOML file with its ``title``, ``prompts`` and ``seeds``, three texts.

    Raises:
        InputError: it is none.
    """
    with foreign(f"{path} is no benchmark set with a title, prompts and seeds", "mend or remove it"):
        said = tomllib.loads(text_of(path.read_bytes()))
        title, prompts, seeds = (said[name] for name in ("title", "prompts", "seeds"))
        if not all(isinstance(text, str) and text for text in (title, prompts, seeds)):
            raise ValueError("one of the three is no text")
        return benchmark_set(title, prompt_sets.load(prompts), parse_plan(seeds))


def keep_shipped(opened: Store) -> None:
    """Stores the shipped sets."""
    known = {row.key for row in store.list_benchmarks(opened)}
    for found in shipped():
        if found.key not in known and not opened.read_only:
            store.add_benchmark(opened, found)


def stray_groups(opened: Store) -> list[StrayGroup]:
    """What is scored outside every set, by its plan of seeds; the groups with most prompts first."""
    groups: dict[SeedPlan, dict[Prompt, int]] = defaultdict(dict)
    for stray in store.stray_prompts(opened):
        groups[_plan_of(stray.prompt, stray.seeds)][stray.prompt] = stray.configs
    found = [StrayGroup(plan, tuple(prompts), max(prompts.values())) for plan, prompts in groups.items()]
    return sorted(found, key=lambda group: (-len(group.prompts), group.seeds))


def make_set(opened: Store, plan: str, title: str = "") -> BenchmarkSet:
    """Stores the stray prompts of one plan as a set of their own; returns it.

    Raises:
        InputError: there are none any more.
    """
    wanted = parse_plan(plan)
    prompts = next((group.prompts for group in stray_groups(opened) if group.plan == wanted), ())
    found = benchmark_set(title or title_of(_counted(prompts), wanted), prompts, wanted)
    store.add_benchmark(opened, found)
    return found


def set_of(opened: Store, prompts: str, seeds: str) -> BenchmarkSet:
    """Stores a set of a named prompt set, or a part of one, with seeds as people write them; returns it.

    Raises:
        InputError: there is no such prompt set, or these are no seeds.
    """
    plan = parse_plan(seeds)
    found = benchmark_set(title_of(Path(prompts).stem, plan), prompt_sets.load(prompts, home=opened.home), plan)
    store.add_benchmark(opened, found)
    return found


def _plan_of(prompt: Prompt, seeds: Sequence[int]) -> SeedPlan:
    return len(seeds) if tuple(seeds) == designed_seeds(prompt, len(seeds)) else tuple(seeds)


def _counted(prompts: Sequence[Prompt]) -> str:
    return f"“{prompts[0].text}”" if len(prompts) == 1 else f"{len(prompts)} prompts"
