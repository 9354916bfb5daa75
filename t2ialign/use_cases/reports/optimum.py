"""What preference tuning could reach at most in the embedded world: the exact optimum over test prompts, as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from t2ialign.names import unknown
from t2ialign.shapes.annotator import TASTES
from t2ialign.shapes.grammar import parse
from t2ialign.shapes.optimum import Optimum, optima
from t2ialign.tradeoff.interval import mean_interval
from t2ialign.types import InputError, Interval
from t2ialign.use_cases.batches import prompt_sets
from t2ialign.use_cases.reports.text import with_ends


@dataclass(frozen=True)
class FrontierPoint:
    """The optimum at one ``strength`` = 1/beta, each number a mean over prompts with its interval.

    ``diversity`` holds the groups of free factors and, as ``all``, their mean; 1 is the world's own. ``effective_scenes`` is
    the fewest that a prompt's numbers stand on.
    """

    strength: float
    prompts: int
    kl: Interval
    win_rate: Interval
    utility_gain: Interval
    diversity: dict[str, Interval]
    effective_scenes: float


def read_strengths(said: Sequence[str]) -> list[float]:
    """Strengths 1/beta as people write them.

    Raises:
        InputError: none, or one that is no number from 0 up.
    """
    try:
        found = [float(strength) for strength in said]
    except ValueError:
        found = []
    if not found or not all(0 <= strength < math.inf for strength in found):
        raise InputError(
            f"Strengths are numbers from 0 up, separated by commas, as 0,0.2,0.4, not {','.join(said)[:60]!r}."
        )
    return found


def frontier(group: str, strengths: Sequence[float], prompts: str) -> Iterator[FrontierPoint]:
    """The optimum of a group's style over the prompts of a set.

    Raises:
        InputError: an unknown group or prompt set, prompts of another world, or a strength beyond what can be computed.
    """
    if group not in TASTES:
        raise unknown("group of raters", group, TASTES)
    specs = [parse(prompt.text) for prompt in prompt_sets.load(prompts)]
    for strength, found in zip(strengths, zip(*(optima(spec, TASTES[group], strengths) for spec in specs))):
        yield _point(strength, found)


def _point(strength: float, found: Sequence[Optimum]) -> FrontierPoint:
    groups = dict.fromkeys(name for one in found for name in one.diversity)
    by_group = {name: [one.diversity[name] for one in found if name in one.diversity] for name in groups}
    together = [sum(one.diversity.values()) / len(one.diversity) for one in found]
    return FrontierPoint(
        strength,
        len(found),
        mean_interval([one.kl for one in found]),
        mean_interval([one.win_rate for one in found]),
        mean_interval([one.utility_gain for one in found]),
        {name: mean_interval(values) for name, values in {"all": together, **by_group}.items()},
        min(one.effective_scenes for one in found),
    )


def lines(found: Sequence[FrontierPoint]) -> Iterator[str]:
    """A table for terminals and Markdown."""
    names = list(found[0].diversity)
    columns = ["1/beta", "KL (nats)", "win rate", *(f"diversity: {name}" for name in names)]
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for point in found:
        cells = [with_ends(part) for part in (point.kl, point.win_rate, *point.diversity.values())]
        yield f"| {point.strength:g} | {' | '.join(cells)} |"
