"""Which rounds a survey has: prompts, contenders and positions in balanced random order, drawn from the survey's id.

Balanced: categories as often as each other within a survey; prompts, pairs of contenders and positions as often as
each other over the study, because whatever was drawn least often so far (``Drawn``) comes first and chance decides
between equals. The same id and history give the same survey.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Literal

import numpy as np

from t2ialign.codec import IF_SAID
from t2ialign.study.answers import Answer, checked_answer
from t2ialign.study.design import StudyDesign
from t2ialign.study.manifest import Exhibit, Manifest
from t2ialign.types import InputError, content_key

Check = Literal["", "decoy", "training"]


@dataclass(frozen=True)
class Trial:
    """One round. ``shown`` is in the order of the positions on screen; ``id`` tells nothing about what it holds.

    ``check``: "" for a real round, "decoy" for an attention check (one exhibit is a decoy, see ``passed``), "training"
    for the example before the survey, whose answer nobody keeps. ``counts`` and ``confidence``: whether these are asked too.
    """

    id: str
    place: int
    prompt: str
    category: str
    shown: tuple[Exhibit, ...]
    kind: str
    most: int
    check: Check = ""
    counts: bool = field(default=False, metadata=IF_SAID)
    confidence: bool = field(default=False, metadata=IF_SAID)

    def checked(self, answer: Answer) -> Answer:
        """``answers.checked_answer`` for this round."""
        sizes = [len(exhibit.pictures) for exhibit in self.shown] if self.counts else []
        return checked_answer(answer, self.kind, len(self.shown), self.most, sizes, self.confidence)

    def passed(self, answer: Answer) -> bool:
        """Whether an attention check was passed: the decoy was not selected, picked, tied with, or ranked first."""
        decoy = next(place for place, exhibit in enumerate(self.shown) if exhibit.is_decoy)
        if self.kind == "rank":
            return bool(answer.chosen[0] != decoy)
        return decoy not in answer.chosen and answer.verdict != "tie"


@dataclass
class Drawn:
    """What the study's surveys have been given so far: a running count, the one thing here that is not frozen."""

    prompts: Counter[str] = field(default_factory=Counter)
    exhibits: Counter[tuple[str, ...]] = field(default_factory=Counter)
    pairs: Counter[frozenset[str]] = field(default_factory=Counter)
    positions: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add(self, prompt: str, shown: Sequence[Exhibit]) -> None:
        """Count one round."""
        self.prompts[prompt] += 1
        for exhibit in shown:
            self.exhibits[exhibit.pictures] += 1
        labels = [exhibit.label for exhibit in shown]
        self.pairs.update(frozenset(pair) for pair in combinations(labels, 2))
        self.positions.update((label, place) for place, label in enumerate(labels))

    @classmethod
    def of(cls, rounds: Iterable[tuple[str, Sequence[Exhibit]]]) -> Drawn:
        drawn = cls()
        for prompt, shown in rounds:
            drawn.add(prompt, shown)
        return drawn


def draw(manifest: Manifest, survey: str, drawn: Drawn | None = None) -> tuple[Trial, ...]:
    """The rounds of a survey in their order: ``rounds`` real ones and ``checks`` attention checks, never one first.

    Raises:
        InputError: the study has no prompt with enough pictures to compare.
    """
    chance, drawn = _chance(survey), drawn or Drawn()
    design, pool = manifest.design, _pool(manifest)
    prompts = _prompts(design, pool, chance, drawn)
    checks = [chance.choice(sorted(pool)) for _ in range(design.checks)]
    rounds: list[tuple[str, Check]] = [(prompt, "") for prompt in prompts]
    for prompt in checks:
        rounds.insert(chance.randint(1, len(rounds)), (prompt, "decoy"))
    return tuple(_trial(manifest, pool, survey, place, *found, chance, drawn) for place, found in enumerate(rounds))


def draw_on(
    manifest: Manifest, survey: str, seen: Sequence[Trial], count: int, drawn: Drawn | None = None
) -> tuple[Trial, ...]:
    """Up to ``count`` further rounds of an arena, none with a picture that the survey has had: it was told who made it.

    Fewer where the pictures run out, in the end none.
    """
    drawn, design = drawn or Drawn(), replace(manifest.design, rounds=1)
    past = {exhibit for trial in seen for exhibit in trial.shown}
    rounds: list[Trial] = []
    for place in range(len(seen), len(seen) + count):
        left = replace(manifest, exhibits=tuple(one for one in manifest.exhibits if one not in past))
        try:
            pool = _pool(left)
        except InputError:  # no two pictures are left
            break
        chance = _chance(f"{survey} {place}")
        (prompt,) = _prompts(design, pool, chance, drawn)
        rounds.append(_trial(left, pool, survey, place, prompt, "", chance, drawn))
        past |= set(rounds[-1].shown)
    return tuple(rounds)


def training_example(manifest: Manifest, survey: str) -> Trial:
    """A round to learn on: real pictures of the study beside a decoy, so that the right answer can be explained."""
    chance, pool = _chance(f"training {survey}"), _pool(manifest)
    return _trial(manifest, pool, survey, -1, chance.choice(sorted(pool)), "training", chance, Drawn())


def _chance(text: str) -> random.Random:
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))


Pool = Mapping[str, Mapping[tuple[int, ...], Sequence[Exhibit]]]


def _pool(manifest: Manifest) -> Pool:
    """Exhibits by prompt and group: those of one group may stand beside each other, and there are enough of them.

    Pictures of one seed (or seed set) are compared with each other; what metrics chose has seeds of its own.
    """
    design = manifest.design
    pool: dict[str, dict[tuple[int, ...], list[Exhibit]]] = defaultdict(lambda: defaultdict(list))
    for exhibit in manifest.exhibits:
        pool[exhibit.prompt][() if design.compare == "metrics" else exhibit.seeds].append(exhibit)
    enough = {
        prompt: {seeds: found for seeds, found in groups.items() if len(found) >= 2} for prompt, groups in pool.items()
    }
    kept = {prompt: groups for prompt, groups in enough.items() if groups}
    if not kept:
        raise InputError("No prompt of this study has two different pictures to compare: prepare its pictures first.")
    return kept


def _prompts(design: StudyDesign, pool: Pool, chance: random.Random, drawn: Drawn) -> list[str]:
    """The prompts of the real rounds: categories in turn, within one the least drawn first, all shuffled."""
    by_category: dict[str, list[str]] = defaultdict(list)
    for prompt in design.prompts:
        if prompt.text in pool:
            by_category[prompt.category].append(prompt.text)
    turns = list(by_category)
    chance.shuffle(turns)
    chosen: list[str] = []
    here: Counter[str] = Counter()
    for turn in range(design.rounds):
        texts = by_category[turns[turn % len(turns)]]
        chosen.append(min(texts, key=lambda text: (here[text], drawn.prompts[text], chance.random())))
        here[chosen[-1]] += 1
    chance.shuffle(chosen)
    return chosen


def _trial(
    manifest: Manifest,
    pool: Pool,
    survey: str,
    place: int,
    prompt: str,
    check: Check,
    chance: random.Random,
    drawn: Drawn,
) -> Trial:
    """One round, its exhibits chosen and placed; real ones are counted in ``drawn``."""
    design = manifest.design
    groups = pool[prompt]
    seeds = min(sorted(groups), key=lambda key: (_weight(groups[key], drawn), chance.random()))
    shown = _least_met(groups[seeds], min(design.shown, len(groups[seeds])), chance, drawn)
    if check:
        shown[chance.randrange(len(shown))] = _decoy(manifest, shown[0], chance)
    shown = _placed(shown, chance, drawn)
    if not check:
        drawn.add(prompt, shown)
    category = next(known.category for known in design.prompts if known.text == prompt)
    most = min(design.most, len(shown))
    said = design.answer
    return Trial(
        content_key([survey, place]),
        place,
        prompt,
        category,
        tuple(shown),
        said.kind,
        most,
        check,
        said.counts,
        said.confidence,
    )


def _weight(exhibits: Sequence[Exhibit], drawn: Drawn) -> float:
    return sum(drawn.exhibits[exhibit.pictures] for exhibit in exhibits) / len(exhibits)


def _least_met(exhibits: Sequence[Exhibit], count: int, chance: random.Random, drawn: Drawn) -> list[Exhibit]:
    """``count`` exhibits whose pairs have met least often, chance deciding between equals."""
    if count == len(exhibits):
        return list(exhibits)
    order = sorted(exhibits, key=lambda _: chance.random())
    pairs = list(combinations(order, 2))
    chosen = list(min(pairs, key=lambda pair: drawn.pairs[frozenset(exhibit.label for exhibit in pair)]))
    while len(chosen) < count:
        rest = [exhibit for exhibit in order if exhibit not in chosen]
        chosen.append(min(rest, key=lambda one: sum(drawn.pairs[frozenset((one.label, c.label))] for c in chosen)))
    return chosen


def _placed(shown: Sequence[Exhibit], chance: random.Random, drawn: Drawn) -> list[Exhibit]:
    """The exhibits in the positions that they have held least often (an assignment), ties broken by chance."""
    from scipy.optimize import linear_sum_assignment

    n = len(shown)
    held = [
        [drawn.positions[exhibit.label, place] + chance.random() / (2 * n) for place in range(n)] for exhibit in shown
    ]
    _, places = linear_sum_assignment(np.array(held))
    return [shown[index] for index in np.argsort(places)]


def _decoy(manifest: Manifest, beside: Exhibit, chance: random.Random) -> Exhibit:
    """What no attentive rater prefers: pictures that show nothing, or, where variety is asked for, one picture repeated."""
    n = len(beside.pictures)
    if manifest.design.answer.aspect == "varied":
        return replace(beside, contenders=(), seeds=beside.seeds[:1] * n, pictures=beside.pictures[:1] * n)
    if not manifest.decoys:
        raise InputError("This study has attention checks but no decoys: prepare its pictures first.")
    return replace(beside, contenders=(), seeds=(), pictures=tuple(chance.choices(manifest.decoys, k=n)), cell="")
