"""What preference tuning could reach at most in the embedded world: the exact optimum over prompts, as a table or a line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from t2ialign.names import unknown
from t2ialign.shapes.annotator import TASTES
from t2ialign.shapes.grammar import parse
from t2ialign.shapes.optimum import Optimum, known_optima, optima
from t2ialign.shapes.oracle import GROUPS
from t2ialign.tradeoff.frontier import DosePoint
from t2ialign.tradeoff.interval import mean_interval
from t2ialign.types import InputError, Interval
from t2ialign.use_cases.batches import prompt_sets
from t2ialign.use_cases.reports.text import with_ends

STYLE = "style_"  # the metrics of a group's style begin with it
WHOLE = (
    "factor_diversity",
    "factor_diversity_faithful",
)  # one and the same of the renderer, whose scenes keep the prompt
STRENGTHS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5)


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


def renderer_line(judge: str, diversity: str, prompts: Sequence[str]) -> tuple[DosePoint, ...]:
    """The optimum on the axes of ``tradeoff.frontier``, weakest first, as far as it is known on every prompt.

    Win rates are against another scene of the renderer, changes of diversity are shares of the renderer's own: the line
    starts at the renderer, not at any model. Empty where the judge is no style of the embedded world, the diversity none
    of its free factors, or a prompt none of its own.
    """
    group, part = judge.removeprefix(STYLE), diversity.removeprefix("factor_")
    if not judge.startswith(STYLE) or group not in TASTES or not (diversity in WHOLE or part in GROUPS):
        return ()
    try:
        specs = [parse(prompt) for prompt in prompts]
    except InputError:
        return ()
    paths = [known_optima(spec, TASTES[group], STRENGTHS) for spec in specs]
    return tuple(point for found in zip(*paths) if (point := _dose(found, diversity)))


def _dose(found: Sequence[Optimum], diversity: str) -> DosePoint | None:
    """One strength; None where no prompt leaves that group of factors open."""
    part = diversity.removeprefix("factor_")
    kept = [one.factor_diversity if diversity in WHOLE else one.diversity.get(part) for one in found]
    changes = [value - 1 for value in kept if value is not None]
    if not changes:
        return None
    name = f"1/beta = {found[0].strength:g}, KL {sum(one.kl for one in found) / len(found):.2g} nats"
    return DosePoint(name, mean_interval([one.win_rate for one in found]), mean_interval(changes))


def _point(strength: float, found: Sequence[Optimum]) -> FrontierPoint:
    groups = dict.fromkeys(name for one in found for name in one.diversity)
    by_group = {name: [one.diversity[name] for one in found if name in one.diversity] for name in groups}
    together = [one.factor_diversity for one in found]
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
