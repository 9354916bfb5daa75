"""How often the 95 % intervals of a study's results hold the truth, in simulated studies whose truth is known.

    python -m benchmarks.study_intervals [--studies 200]        # prints the table of docs/study.md

Four contenders of known worth, rounds drawn as for people; the same seeds give the same table. ``habit`` is how much each
rater's taste deviates from everybody's, ``prompt`` how much a contender's worth on one prompt deviates from its worth on all
that there could be (standard deviations, in log-odds): each study has new raters and new prompts.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from t2ialign.study.answers import Answer
from t2ialign.study.design import AnswerRule, Contender, StudyDesign
from t2ialign.study.manifest import Exhibit, Manifest
from t2ialign.study.records import Vote
from t2ialign.study.results import study_strengths
from t2ialign.study.selection import selection_rates
from t2ialign.study.simulation import Rater, answer_of, sigmoid
from t2ialign.study.trials import Drawn, draw
from t2ialign.types import Prompt

TRUE = {"a": -0.8, "b": -0.1, "c": 0.3, "d": 0.6}
MOMENT = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    kind: str
    raters: int
    rounds: int
    tie: float = 0.0
    habit: float = 0.0
    prompts: int = 8
    prompt: float = 0.0


SETTINGS = (
    Setting("pick", 20, 15),
    Setting("pick", 20, 15, tie=0.6),
    Setting("pick", 30, 15, tie=0.5, habit=0.3),
    Setting("pick", 5, 60, tie=0.5),
    Setting("rank", 20, 10),
    Setting("select", 20, 10),
    Setting("select", 30, 10, habit=0.5),
    Setting("pick", 20, 15, habit=0.3, prompts=24, prompt=0.5),
    Setting("pick", 30, 15, habit=0.3, prompts=12, prompt=0.5),
    Setting("pick", 30, 15, habit=0.3, prompts=8, prompt=0.5),
    Setting("pick", 5, 60, habit=0.3, prompts=12, prompt=0.5),
    Setting("rank", 30, 10, prompts=12, prompt=0.5),
    Setting("select", 30, 10, habit=0.5, prompts=12, prompt=0.5),
    Setting("select", 30, 10, habit=0.5, prompts=24, prompt=1.0),
)


def manifest(setting: Setting) -> Manifest:
    prompts = tuple(Prompt(f"prompt {number}", "xy"[number % 2]) for number in range(setting.prompts))
    rule = AnswerRule(setting.kind)
    design = StudyDesign(
        "Simulated", tuple(map(Contender, TRUE)), prompts, answer=rule, checks=0, rounds=setting.rounds
    )
    exhibits = tuple(
        Exhibit((name,), prompt.text, (seed,), (f"{name} {prompt.text} {seed}",))
        for prompt in prompts
        for name in TRUE
        for seed in range(2)
    )
    return Manifest(design, exhibits)


def votes(setting: Setting, seed: int) -> Iterator[Vote]:
    """One study's votes."""
    chance, drawn, shown = random.Random(seed), Drawn(), manifest(setting)
    suits = {
        (e.label, e.prompt): random.Random(f"{seed} {e.label} {e.prompt}").gauss(0, setting.prompt)
        for e in shown.exhibits
    }
    for rater in range(setting.raters):
        own = {name: value + chance.gauss(0, setting.habit) for name, value in TRUE.items()}
        survey = f"{seed} {rater}"
        for trial in draw(shown, survey, drawn):
            worth = [own[e.label] + suits[e.label, e.prompt] for e in trial.shown]
            said: Answer = answer_of(trial, worth, Rater(tie=setting.tie), chance)
            yield Vote(trial.id, "study", survey, "everyone", trial, said, 5000, MOMENT)


def truth(setting: Setting) -> dict[str, float]:
    """What is estimated: strengths about their mean, or, of selections, how often each is selected."""
    if setting.kind != "select":
        middle = np.mean(list(TRUE.values()))
        return {name: value - middle for name, value in TRUE.items()}
    deviations = np.random.default_rng(0).normal(0, math.hypot(setting.habit, setting.prompt), 200_000)
    return {name: float(np.mean([sigmoid(value + one) for one in deviations])) for name, value in TRUE.items()}


def estimated(setting: Setting, seed: int):
    given = list(votes(setting, seed))
    if setting.kind == "select":
        return {rate.contender: rate.share for rate in selection_rates(given) if not rate.category}
    return {one.name: one.strength for one in study_strengths(given).contenders}


def coverage(setting: Setting, studies: int) -> float:
    """The share of intervals that hold the truth."""
    known = truth(setting)
    found = (estimated(setting, seed) for seed in range(studies))
    return float(np.mean([one[name].lo <= value <= one[name].hi for one in found for name, value in known.items()]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=200)
    studies = parser.parse_args().studies
    columns = [
        "answers",
        "raters",
        "rounds",
        "prompts",
        "ties",
        "habit",
        "prompt",
        "of",
        "intervals that hold the truth",
    ]
    print(row(columns), "|---" * len(columns) + "|", sep="\n")
    for one in SETTINGS:
        what = "selection rates" if one.kind == "select" else "strengths"
        numbers = (one.raters, one.rounds, one.prompts, one.tie, one.habit, one.prompt)
        found = f"{100 * coverage(one, studies):.1f} %"
        print(row([one.kind, *(f"{number:g}" for number in numbers), what, found]), flush=True)


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
