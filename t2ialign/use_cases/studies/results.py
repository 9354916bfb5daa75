"""A study's results with what the metrics say about the same pictures: live, because nothing but votes is read anew."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from t2ialign.metrics import METRICS
from t2ialign.store import Store
from t2ialign.store.records import ScoreRecord
from t2ialign.store.scores import records_of
from t2ialign.store.studies import exclusions, study_of
from t2ialign.store.votes import answers_of
from t2ialign.study.manifest import Exhibit
from t2ialign.study.people import Key, MetricAgreement, metric_agreement, people_scores
from t2ialign.study.records import Vote, real
from t2ialign.study.results import VoteResults, results
from t2ialign.types import Interval


@dataclass(frozen=True)
class StudyResults:
    """Every statistic with the exclusion rules applied, and without; and each metric's agreement with people."""

    results: VoteResults
    unfiltered: VoteResults
    metrics: tuple[MetricAgreement, ...]


def study_results(opened: Store, study: str, group: str = "") -> StudyResults:
    """What a study has found so far. ``InputError`` for an unknown study."""
    study_of(opened, study)
    votes, rules = answers_of(opened, study), exclusions(opened, study)
    found = results(votes, rules, group)
    out = {survey for survey, _ in found.excluded}
    kept = [vote for vote in votes if vote.survey not in out and group in ("", vote.group)]
    unfiltered = results(votes, (), group) if rules else found
    return StudyResults(found, unfiltered, tuple(metric_agreements(opened, kept)))


def metric_agreements(opened: Store, votes: Sequence[Vote]) -> list[MetricAgreement]:
    """Kendall's tau between people and every metric that has scored the pictures shown, the best first."""
    people = people_scores(votes)
    shown = {(vote.trial.prompt, exhibit.pictures): exhibit for vote in real(votes) for exhibit in vote.trial.shown}
    scores = _scores(opened, shown)
    found = [metric_agreement(people, name, values, METRICS[name].higher_is_better) for name, values in scores.items()]
    return sorted((one for one in found if one.prompts), key=lambda one: -one.tau.mean)


def _scores(opened: Store, shown: Mapping[Key, Exhibit]) -> dict[str, dict[Key, float]]:
    """{metric: {exhibit: score}} from the store's newest versions."""
    records = {cell: records_of(opened, cell) for cell in {exhibit.cell for exhibit in shown.values()} if cell}
    scores: dict[str, dict[Key, float]] = {}
    for key, exhibit in shown.items():
        for record in records.get(exhibit.cell, ()):
            value = score_of(record, exhibit.seeds)
            if record.metric in METRICS and math.isfinite(value):
                scores.setdefault(record.metric, {})[key] = value
    return scores


def score_of(record: ScoreRecord, seeds: Iterable[int]) -> float:
    """A score of some of the seeds it was computed on: the mean of theirs, or of their pairs; NaN where it has none.

    A score of a whole batch speaks of exactly its own seeds.
    """
    wanted = tuple(seeds)
    if not set(wanted) <= set(record.seeds):
        return math.nan
    places = [record.seeds.index(seed) for seed in wanted]
    if record.level == "image":
        return float(np.mean([record.values[place] for place in places]))
    if record.level == "batch":
        return record.mean if set(wanted) == set(record.seeds) else math.nan
    if len(places) < 2:
        return math.nan
    square = np.zeros((len(record.seeds), len(record.seeds)))
    square[np.triu_indices(len(record.seeds))] = record.values
    square = square + np.triu(square, 1).T
    picked = square[np.ix_(places, places)][np.triu_indices(len(places), 1)]
    finish = METRICS[record.metric].finish if record.metric in METRICS else None
    return float(finish(float(picked.mean())) if finish else picked.mean())


def result_lines(found: StudyResults) -> Iterator[str]:
    """The most important of it, to read in a terminal."""
    results = found.results
    yield f"{results.answers} answers from {results.surveys} surveys, {len(results.excluded)} surveys excluded"
    for rate in results.rates:
        if not rate.group:
            where = rate.category or "all categories"
            yield f"{rate.contender:<24} chosen {_percent(rate.share)} of {rate.shown:>5}  {where}"
    for strong in results.strengths.contenders if results.strengths else ():
        yield f"{strong.name:<24} strength {_number(strong.strength)}"
    for one in results.pairs:
        p = f"binomial p {one.p:.2g}" + (f", {one.adjusted:.2g} after Holm" if len(results.pairs) > 1 else "")
        yield f"{one.one} over {one.other}: {one.wins} to {one.losses}, {one.ties} neither, {_percent(one.share).strip()}, {p}"
    for pair in results.separations:
        yield pair.sentence
    if results.agreement and not results.agreement.note:
        yield f"Krippendorff's alpha {_number(results.agreement.alpha)}"
    for metric in found.metrics:
        yield f"{metric.metric:<24} tau with people {_number(metric.tau)}, {metric.prompts} prompts"
    checks = results.attention
    yield f"{checks.failed} of {checks.answered} attention checks failed, in {len(checks.surveys)} surveys"
    yield from results.notes


def _number(value: Interval) -> str:
    return f"{value.mean:+.3f} ({value.lo:+.3f} to {value.hi:+.3f})"


def _percent(value: Interval) -> str:
    return f"{value.mean:6.1%} ({value.lo:.1%} to {value.hi:.1%})"
