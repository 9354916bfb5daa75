"""Two metrics of the same things: what one tau of a matrix is made of, and how one is distributed by the other's ranks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.names import setting_name
from t2ialign.tradeoff.rank_curves import RankCurves, rank_curves
from t2ialign.tradeoff.relations import QUESTIONS, Level
from t2ialign.tradeoff.research import Drawn
from t2ialign.tradeoff.scatter import MOST_DOTS, Dot, Scatter, sampled
from t2ialign.types import GenerationConfig, InputError, Metric
from t2ialign.use_cases.reports.chart_query import ChartQuery, ChartRow, MoreChart, picture_values, scored_on
from t2ialign.use_cases.reports.research_material import said

JUDGE = "mutual_information"


def by_rank(asked: ChartQuery) -> tuple[str, Drawn | None]:
    """Of the base's usual setting, how the chart's alignment is distributed by mutual information's rank."""
    judge, singles = METRICS[JUDGE], [metric for metric in scored_on(asked) if metric.level == "image"]
    metric = next((one for one in singles if one != judge), None)
    config = asked.reference((judge,))
    if metric is None or config is None:
        return "Mutual information and another metric of single pictures need scores on this set for the base.", None
    found = rank_curves(judge, metric, list(picture_values(asked, [judge, metric], config).values()), config)
    if found is None:
        return "Ranks need five prompts with two pictures or more, scored by both, for the base.", None
    first, last = found.means[0], found.means[-1]
    return (
        f"Of a prompt's {found.pictures} pictures, the one of most mutual information has {metric.title} of {said(first)}, "
        f"that of least {said(last)}: {said(found.gap, '+')} between the two, paired over {found.prompts} prompts of "
        f"{setting_name(config)}."
    ), found


def rank_rows(title: str, found: RankCurves) -> Iterator[ChartRow]:
    """Each rank's mean, and the difference between the first and the last."""
    of = setting_name(found.config)
    for rank, mean in enumerate(found.means, 1):
        at = f"rank {rank} of {found.pictures} by {found.judge}"
        yield ChartRow(title, found.metric, of, at, mean.mean, mean.lo, mean.hi)
    gap = found.gap
    yield ChartRow(title, f"{found.metric}, first less last", of, f"by {found.judge}", gap.mean, gap.lo, gap.hi)


def metric_scatter(asked: ChartQuery, level: Level, one: str, other: str) -> MoreChart:
    """The things that a tau of the matrix ranks, a dot each.

    Raises:
        InputError: metrics that are not in the matrix, or nothing that both have scored.
    """
    known = {metric.name: metric for metric in scored_on(asked)}
    if one == other or one not in known or other not in known:
        raise InputError("These two metrics are no longer in the matrix: draw it anew, then click a field of it.")
    x, y = known[one], known[other]
    config = None if level == "checkpoints" else asked.reference((x, y))
    dots = _configs(asked, x, y) if config is None else _within(asked, level, x, y, config)
    if not dots:
        raise InputError(f"Nothing here is scored by both {x.title} and {y.title}.")
    shown = sampled(dots)
    part = f" {MOST_DOTS} of them are drawn." if len(shown) < len(dots) else ""
    of = f" of {setting_name(config)}" if config else ""
    sentence = f"{QUESTIONS[level]} {x.title} and {y.title} of {len(dots)} {level}{of}.{part}"
    title = f"{x.title} and {y.title}"
    return MoreChart(
        title, sentence, Scatter(one, other, level, shown, len(dots), config), tuple(_rows(title, shown, x, y))
    )


def _configs(asked: ChartQuery, x: Metric, y: Metric) -> list[Dot]:
    """The configs that have both on the most prompts, by their means: those whose tau the matrix has."""
    whole = asked.cells((x, y)).whole(x.name, y.name)
    means = zip(whole.configs, whole.mean(x).tolist(), whole.mean(y).tolist()) if whole.configs else ()
    return [Dot(left, right, setting_name(config), config.key) for config, left, right in means]


def _within(asked: ChartQuery, level: Level, x: Metric, y: Metric, config: GenerationConfig) -> list[Dot]:
    """One config's prompts, or its pictures as differences from their prompt's mean."""
    keys = store.cell_keys(asked.opened, config.key)
    if level == "prompts":
        table = asked.cells((x, y), config)
        pairs = zip(table.prompts, *(table.of(metric.name)[0].tolist() for metric in (x, y))) if table.configs else ()
        return [
            Dot(left, right, prompt, config.key, keys.get(prompt, ""))
            for prompt, left, right in pairs
            if np.isfinite([left, right]).all()
        ]
    found = []
    for prompt, values in picture_values(asked, [x, y], config).items():
        if x.name in values and y.name in values:
            sides = [values[metric.name] - values[metric.name].mean() for metric in (x, y)]
            found += [
                Dot(left, right, prompt, config.key, keys.get(prompt, ""))
                for left, right in zip(*map(np.ndarray.tolist, sides))
            ]
    return found


def _rows(title: str, dots: tuple[Dot, ...], x: Metric, y: Metric) -> Iterator[ChartRow]:
    for dot in dots:
        yield ChartRow(title, x.name, dot.name, "", dot.x)
        yield ChartRow(title, y.name, dot.name, "", dot.y)
