"""Do metrics see what people see? Kendall's tau within prompts, between how often pictures were chosen and their scores."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from t2ialign.study.answers import duels
from t2ialign.study.records import Vote, real
from t2ialign.tradeoff.correlation import coefficient
from t2ialign.tradeoff.interval import mean_interval
from t2ialign.types import Interval

Key = tuple[str, tuple[str, ...]]
"""An exhibit: its prompt and its pictures."""


@dataclass(frozen=True)
class MetricAgreement:
    """Mean over prompts of Kendall's tau-b between people and a metric, positive where they agree.

    ``prompts`` are those where both tell at least two exhibits apart.
    """

    metric: str
    tau: Interval
    prompts: int


def people_scores(votes: Sequence[Vote]) -> dict[Key, float]:
    """What people think of each exhibit: how often it was selected, or its share of comparisons won (a tie is half)."""
    said: dict[Key, list[float]] = defaultdict(list)
    for vote in real(votes):
        keys = [(vote.trial.prompt, exhibit.pictures) for exhibit in vote.trial.shown]
        if vote.trial.kind == "select":
            for place, key in enumerate(keys):
                said[key].append(float(place in vote.answer.chosen))
            continue
        for better, worse, outcome in duels(vote.answer, vote.trial.kind, len(keys)):
            said[keys[better]].append(0.5 if outcome == "tie" else 1.0)
            said[keys[worse]].append(0.5 if outcome == "tie" else 0.0)
    return {key: fmean(values) for key, values in said.items()}


def metric_agreement(
    people: Mapping[Key, float], metric: str, scores: Mapping[Key, float], higher_is_better: bool = True
) -> MetricAgreement:
    """Tau-b in every prompt, their mean and its 95 % interval over prompts (Student's t)."""
    by_prompt: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for key, value in people.items():
        if math.isfinite(scores.get(key, math.nan)):
            by_prompt[key[0]].append((value, scores[key] if higher_is_better else -scores[key]))
    pairs = [np.array(values).T for values in by_prompt.values() if len(values) > 1]
    taus = [tau for tau in (coefficient(x, y, "kendall") for x, y in pairs) if not math.isnan(tau)]
    if not taus:
        return MetricAgreement(metric, Interval(math.nan, math.nan, math.nan), 0)
    found = mean_interval(taus)
    return MetricAgreement(metric, Interval(found.mean, max(found.lo, -1.0), min(found.hi, 1.0)), len(taus))
