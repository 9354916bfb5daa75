"""The dials that decide how strongly a checkpoint is aligned: its weight, and of its training the steps, rounds and beta.

Checkpoints are places on one dial of training where they differ in that alone: the same recipe, the same beginning, the same
training seed, drawn under the same settings. What a run says of itself comes as ``Runs``. A checkpoint that nobody tells
anything of is placed by its name: ``NAME-stepN`` is step N of ``NAME``.

- **Steps** count from what the run went on from, which is step 0. A run in several rounds has the steps of all of them.
- **Rounds** are those of one run, and of runs that go on from each other with the same recipe; round 0 is what they began from.
- **Beta** has no such beginning: the base is where beta is infinite, which no axis shows, so it is left out.

Of two checkpoints at one place the first by name counts (one training, done twice); of several files under one name the one
that its manifest describes, or else the first by its hash.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from t2ialign.names import guided
from t2ialign.tradeoff.doses import STEPS as KEPT
from t2ialign.types import AdapterUse, GenerationConfig

BASE = "base"
FEWEST = 2  # values of either dial, what training began from not counted
Place = tuple[float, float]
"""A value of the dial, and a guidance scale."""


@dataclass(frozen=True)
class StrengthDial:
    """``key`` stands in addresses; ``name`` on the axis; ``said`` is a place in words, in the plural."""

    key: str
    name: str
    said: str

    def at(self, value: float) -> str:
        """``weight 0.5``, ``150 training steps``, ``1 training round``."""
        words = self.said.format(value)
        return words.removesuffix("s") if value == 1 else words


WEIGHT = StrengthDial("weight", "adapter weight", "weight {:.10g}")
STEPS = StrengthDial("steps", "training steps", "{:.10g} training steps")
ROUNDS = StrengthDial("rounds", "training rounds", "{:.10g} training rounds")
BETA = StrengthDial("beta", "beta", "beta {:.10g}")
DIALS = (WEIGHT, STEPS, ROUNDS, BETA)


@dataclass(frozen=True)
class TrainingDoses:
    """What a checkpoint's run says of how strongly it trained.

    ``recipe``: all else that decided the adapter, as one text. ``steps`` are those of each of the ``rounds``; ``beta`` is None
    where the method has none. ``parent``: the checkpoint that the run went on from. ``began``: the one that the first of the
    runs of its kind went on from, ``earlier``: the rounds of those before it. ``sha``: the adapter's, "" where it is unknown.
    """

    recipe: str
    steps: int
    rounds: int = 1
    beta: float | None = None
    seed: int = 0
    parent: str = BASE
    began: str = BASE
    earlier: int = 0
    sha: str = ""


Runs = Mapping[str, TrainingDoses]
"""{checkpoint: what its run says}, as manifests tell."""
NO_RUNS: Runs = MappingProxyType({})
Zeros = Mapping[tuple[str, GenerationConfig], Mapping[float, int]]


@dataclass(frozen=True)
class DialLine:
    """One checkpoint or run under the same settings.

    ``places``: of each, where its configs stand among all; several of a mean over training seeds.
    """

    dial: StrengthDial
    name: str
    about: str
    setting: GenerationConfig
    places: Mapping[Place, tuple[int, ...]]

    @property
    def rows(self) -> list[float]:
        return sorted({row for row, _ in self.places})

    @property
    def scales(self) -> list[float]:
        return sorted({scale for _, scale in self.places})


@dataclass(frozen=True)
class _Spot:
    """Where a run stands on a dial. ``runs``: all that those on one line share, but the seed."""

    dial: StrengthDial
    runs: tuple[object, ...]
    zero: str  # the checkpoint at 0, "" where there is none
    value: float
    seed: int


@dataclass
class _Group:
    """What differs in its dial and seed alone: places by seed, with the names of all who stand there."""

    dial: StrengthDial
    setting: GenerationConfig
    zero: str
    places: dict[int, dict[Place, int]] = field(default_factory=lambda: defaultdict(dict))
    names: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))


def setting_of(config: GenerationConfig, name: str = "") -> GenerationConfig:
    """The config without its guidance scale and without who its one adapter is; its weight stays."""
    uses = tuple(AdapterUse(name, use.weight) for use in config.adapters)
    return replace(config, guidance_scale=0.0, adapters=uses)


def training_lines(configs: Sequence[GenerationConfig], runs: Runs = NO_RUNS) -> list[DialLine]:
    """The lines of two values or more of steps, rounds or beta, at two guidance scales or more, what they began from at 0.

    Of a recipe with several training seeds, the mean over the seeds is a line of its own, over the places that all of
    them have; beside it each seed has its line.
    """
    groups = _groups(configs, runs)
    lines = [(line, group.zero) for group in groups for line in _lines(group)]
    zeros = _zeros(configs, runs, {zero for _, zero in lines if zero})
    return [_from_zero(line, zeros, zero) for line, zero in lines]


def _zeros(configs: Sequence[GenerationConfig], runs: Runs, wanted: Collection[str]) -> Zeros:
    """Where those stand that training began from, by name and setting, then by guidance scale."""
    found: dict[tuple[str, GenerationConfig], dict[float, int]] = defaultdict(dict)
    files: dict[str, str] = {}
    for index, config in enumerate(configs) if wanted else ():
        name, sha = (config.adapters[0].name, config.adapters[0].sha) if config.adapters else (BASE, "")
        if len(config.adapters) < 2 and name in wanted:
            told = runs[name].sha if name in runs and config.adapters else ""
            if sha == files.setdefault(name, told or sha):
                found[name, setting_of(config)].setdefault(config.guidance_scale, index)
    return found


def _groups(configs: Sequence[GenerationConfig], runs: Runs) -> list[_Group]:
    found: dict[tuple[object, ...], _Group] = {}
    for index in _told(configs, runs):
        config = configs[index]
        name, setting = config.adapters[0].name, setting_of(config)
        for spot in _spots(_run(name, runs)):
            group = found.setdefault((spot.dial.key, spot.runs, setting), _Group(spot.dial, setting, spot.zero))
            group.places[spot.seed].setdefault((spot.value, config.guidance_scale), index)
            group.names[spot.seed].append(name)
    return list(found.values())


def _told(configs: Sequence[GenerationConfig], runs: Runs) -> list[int]:
    """Who has one adapter of which something is known, by name; of several files under one name one counts."""
    known: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, config in enumerate(configs):
        if len(config.adapters) == 1 and (config.adapters[0].name in runs or KEPT.fullmatch(config.adapters[0].name)):
            known[config.adapters[0].name][config.adapters[0].sha].append(index)
    found = []
    for name in sorted(known):
        own = runs[name].sha if name in runs else ""
        found += known[name][own if own in known[name] else min(known[name])]
    return found


def _run(name: str, runs: Runs) -> TrainingDoses:
    """What is known of a checkpoint: of one that was kept on the way and says nothing itself, what the end of its run says."""
    if name in runs:
        return runs[name]
    kept = KEPT.fullmatch(name)
    assert kept is not None, name
    end = runs.get(kept[1], TrainingDoses(f"of {kept[1]}", 0))
    return replace(end, steps=int(kept[2]), sha="")


def _spots(run: TrainingDoses) -> Iterator[_Spot]:
    if run.steps:
        steps, rounds = run.steps * run.rounds, run.earlier + run.rounds
        yield _Spot(STEPS, (run.recipe, run.beta, run.parent, run.rounds), run.parent, steps, run.seed)
        yield _Spot(ROUNDS, (run.recipe, run.beta, run.began, run.steps), run.began, rounds, run.seed)
    if run.beta is not None:
        yield _Spot(BETA, (run.recipe, run.parent, run.rounds, run.steps), "", run.beta, run.seed)


def _lines(group: _Group) -> Iterator[DialLine]:
    """The mean over training seeds, then each of them, as far as they span a plane."""
    seeds = sorted(group.places)
    if len(seeds) > 1:
        common = set.intersection(*(set(group.places[seed]) for seed in seeds))
        mean = {place: tuple(group.places[seed][place] for seed in seeds) for place in common}
        yield from _spanning(group, seeds, f"mean of {len(seeds)} training seeds", mean)
    for seed in seeds:
        alone = {place: (index,) for place, index in group.places[seed].items()}
        yield from _spanning(group, [seed], f"training seed {seed}" if len(seeds) > 1 else "", alone)


def _spanning(
    group: _Group, seeds: Iterable[int], about: str, places: Mapping[Place, tuple[int, ...]]
) -> Iterator[DialLine]:
    if min(len({place[axis] for place in places}) for axis in (0, 1)) >= FEWEST:
        names = [name for seed in seeds for name in group.names[seed]]
        weight = group.setting.adapters[0].weight
        name = common_name(names) + ("" if weight == 1 else f"@{weight:g}") + guided(group.setting)
        yield DialLine(group.dial, name, about, group.setting, places)


def _from_zero(line: DialLine, zeros: Zeros, zero: str) -> DialLine:
    """With what training began from, where it was drawn under the same settings."""
    setting = replace(line.setting, adapters=()) if zero == BASE else line.setting
    begun = {(0.0, scale): (index,) for scale, index in zeros.get((zero, setting), {}).items()} if zero else {}
    return replace(line, places={**line.places, **begun})


def common_name(names: Iterable[str]) -> str:
    """What checkpoints of one run are called together: ``mine`` of ``mine-step50`` and ``mine``, else how their names begin."""
    known = sorted({kept[1] if (kept := KEPT.fullmatch(name)) else name for name in names})
    if len(known) == 1:
        return known[0]
    begin = os.path.commonprefix(known)
    if begin not in known:
        begin = re.sub(r"[-_.@]+(?:steps?|rounds?|r|beta|b|seed)?[0-9]*$", "", begin)
    return begin if len(begin) > 1 or begin in known else f"{known[0]} and others"
