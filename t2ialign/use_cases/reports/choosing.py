"""Mutual information, or any other measure, as a judge of a checkpoint's stored pictures at each CFG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.names import PLAIN
from t2ialign.store import Filters
from t2ialign.tradeoff import families
from t2ialign.tradeoff.choosing import Choice, Marked, Tested, all_of_them, choices, first_middle_last, tested
from t2ialign.tradeoff.points import CellScore
from t2ialign.types import GenerationConfig, InputError
from t2ialign.use_cases.batches.requests import check_each
from t2ialign.use_cases.reports.text import newest_scores, with_ends

SIZES, KEPT = (4, 8, 16, 32, 64), (1, 2, 4)


@dataclass(frozen=True)
class AtScale:
    """A measure at one CFG: its values of all pictures, its taus, and what choosing by it gains."""

    guidance_scale: float
    values: tuple[float, ...]
    prompts: int
    three: Tested
    every: Tested
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class ChoosingReport:
    checkpoint: str
    measure: str
    truth: str
    scales: tuple[AtScale, ...]


def report(opened: store.Store, checkpoint: str, measure: str, truth: str) -> ChoosingReport:
    """From the stored runs of a checkpoint with plain guidance; the taus of all CFG values are one family of tests.

    Raises:
        InputError: a metric that is not of single pictures, or no stored run that has both.
    """
    check_each((measure, truth))
    if wrong := [name for name in (measure, truth) if METRICS[name].level != "image"]:
        raise InputError(
            f"{wrong[0]} measures a whole set, so it ranks no pictures: choose one such as mutual_information."
        )
    rows = newest_scores(opened, measure, truth, Filters(checkpoints=(checkpoint,)))
    groups: dict[GenerationConfig, dict[str, dict[str, CellScore]]] = {}
    for row in rows:
        if row.config.guidance == PLAIN:
            groups.setdefault(row.config, {}).setdefault(row.prompt, {})[row.metric] = row
    scales = [_at(config, cells, measure, truth) for config, cells in groups.items()]
    scales = sorted((one for one in scales if one.prompts > 1), key=lambda one: one.guidance_scale)
    if not scales:
        raise InputError(
            f"{checkpoint} has no stored run with {measure} and {truth} of several prompts: "
            f"`sweep --checkpoint {checkpoint}` first."
        )
    adjusted = iter(families.holm([tau.p for one in scales for tau in (one.three, one.every)]))
    corrected = [
        replace(
            one, three=replace(one.three, adjusted=next(adjusted)), every=replace(one.every, adjusted=next(adjusted))
        )
        for one in scales
    ]
    return ChoosingReport(checkpoint, measure, truth, tuple(corrected))


def _at(config: GenerationConfig, cells: dict[str, dict[str, CellScore]], measure: str, truth: str) -> AtScale:
    sign = 1 if METRICS[measure].higher_is_better else -1
    both = [_marked(text, found[measure], found[truth], sign) for text, found in cells.items() if len(found) == 2]
    marked = [one for one in both if len(one.marks) > 2]
    return AtScale(
        config.guidance_scale,
        tuple(value for one in marked for value in (sign * one.marks).tolist()),
        len(marked),
        tested([first_middle_last(one) for one in marked]),
        tested([all_of_them(one) for one in marked]),
        tuple(choices(marked, SIZES, KEPT)),
    )


def _marked(text: str, measure: CellScore, truth: CellScore, sign: int) -> Marked:
    """A picture's value is its cell's mean and its effect on it."""
    seeds = sorted(set(measure.effects) & set(truth.effects))
    marks, right = (np.array([one.value.mean + one.effects[seed] for seed in seeds]) for one in (measure, truth))
    # values come back as mean + effect: rounding must not break ties
    return Marked(text, sign * marks.round(9), right.round(9))


def lines(found: ChoosingReport) -> Iterator[str]:
    """Two Markdown tables: does the truth rank as the measure does, and what is choosing by it worth?"""
    yield f"`{found.measure}` as a judge of the pictures of {found.checkpoint}; the truth is `{found.truth}`."
    yield from (
        "",
        "| CFG | pictures | mean | tau of first, middle, last | prompts | tau of all | prompts |",
        "|---" * 7 + "|",
    )
    for one in found.scales:
        taus = (_bold(one.three), str(one.three.prompts), _bold(one.every), str(one.every.prompts))
        yield f"| {one.guidance_scale:g} | {len(one.values)} | {np.mean(one.values):.1f} | {' | '.join(taus)} |"
    yield from ("", families.legend(2 * len(found.scales)), "")
    yield "| CFG | of M | the best k | truer than the average by | the truth's own best k |"
    yield "|---" * 5 + "|"
    for one in found.scales:
        for choice in one.choices:
            said = _bold(choice.gain, "+")
            yield f"| {one.guidance_scale:g} | {choice.candidates} | {choice.kept} | {said} | {choice.most:+.3f} |"
    yield from ("", f"Each CFG is a family of {len(found.scales[0].choices)} tests (Holm).")


def _bold(one: Tested, sign: str = "") -> str:
    said = with_ends(one.mean, sign)
    return f"**{said}**" if families.stands(one.adjusted) else said
