"""Charts beside the trade-off chart, of one benchmark set each, with a sentence and the numbers as rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from t2ialign.names import setting_name
from t2ialign.tradeoff.cell_values import CellValues
from t2ialign.tradeoff.doses import PRESSURES, Pressure, Response, lines_of, response
from t2ialign.tradeoff.front_band import Edge, Knee, edge, knee, volumes
from t2ialign.tradeoff.rank_curves import RankCurves
from t2ialign.tradeoff.relations import QUESTIONS, Relations, over_checkpoints, over_pictures, over_prompts
from t2ialign.tradeoff.research import Doses, Drawn, Volumes
from t2ialign.types import GenerationConfig, InputError, Interval, Metric
from t2ialign.use_cases.reports.chart_query import (
    ChartQuery,
    ChartRow,
    MoreChart,
    known_metrics,
    picture_values,
    scored_on,
)
from t2ialign.use_cases.reports.metric_pairs import by_rank, rank_rows
from t2ialign.use_cases.reports.research_material import bend_in_words, said
from t2ialign.use_cases.reports.research_pressure import slopes_in_words
from t2ialign.use_cases.reports.strength_plane import by_strength

Kind = Literal["edge", "volume", "strength", "cfg", "weight", "steps", "checkpoints", "prompts", "pictures", "ranks"]
TITLES: Mapping[Kind, str] = {
    "edge": "The best diversity at a required alignment",
    "volume": "How much each checkpoint dominates",
    "strength": "CFG by weight or training, as a plane",
    "cfg": "Dose and response: CFG",
    "weight": "Dose and response: adapter weight",
    "steps": "Dose and response: training steps",
    "checkpoints": "Metrics, over models and settings",
    "prompts": "Metrics, over one model's prompts",
    "pictures": "Metrics, within one prompt's pictures",
    "ranks": "Scores by mutual information's rank",
}
MOST_LINES = 8


def more_chart(asked: ChartQuery, kind: str, part: str = "") -> MoreChart:
    """One chart by its kind; of the strength planes the one of the key ``part``.

    Raises:
        InputError: no such chart, or no single benchmark set.
    """
    makers: dict[str, Callable[[ChartQuery], tuple[str, Drawn | None]]] = {
        "edge": _edge,
        "volume": _volume,
        **{name: partial(_doses, place) for place, name in enumerate(("cfg", "weight", "steps"))},
        "checkpoints": _checkpoints,
        "prompts": _prompts,
        "pictures": _pictures,
        "ranks": by_rank,
    }
    if kind not in TITLES:
        raise InputError(f"There is no chart {kind[:40]!r}: {', '.join(TITLES)}.")
    title = TITLES[kind]  # type: ignore[index]
    if kind == "strength":
        return by_strength(asked, title, part)
    sentence, drawn = makers[kind](asked)
    return MoreChart(title, sentence, drawn, tuple(_rows(title, drawn)) if drawn is not None else ())


def _edge(asked: ChartQuery) -> tuple[str, Drawn | None]:
    cells = asked.cells((asked.x, asked.y))
    best, corner = edge(cells, asked.x, asked.y), knee(cells, asked.x, asked.y)
    if best is None or len(best.levels) < 2:
        return "One setting has no edge: sweep several CFG values on this set.", None
    half = len(best.levels) // 2
    sentence = (
        f"With {asked.x.title} of {best.levels[half]:.3g} or better, the most varied is {setting_name(best.by[half])}: "
        f"{asked.y.title} {said(best.best[half])}, over {best.prompts} prompts. {_knee(corner)}"
    )
    return sentence.strip() + (SHARED if cells.share_seeds else ""), best


SHARED = " Prompts share seeds, so the interval is too narrow."


def _knee(corner: Knee | None) -> str:
    return "The front has no knee." if corner is None else bend_in_words(corner)


def _volume(asked: ChartQuery) -> tuple[str, Drawn | None]:
    found = volumes(asked.cells((asked.x, asked.y)), asked.x, asked.y)
    if not found:
        return "An area needs settings that differ on both axes.", None
    first, counts = found[0], {one.conditions for one in found}
    fair = (
        "" if len(counts) == 1 else " More settings dominate more: compare checkpoints with the same CFG values only."
    )
    return (
        f"{first.checkpoint} dominates most: {said(first.area)} of the box between the worst and the best.{fair}",
        Volumes(tuple(found)),
    )


def _doses(place: int, asked: ChartQuery) -> tuple[str, Drawn | None]:
    pressure = PRESSURES[place]
    spreads = [metric for metric in known_metrics(asked) if metric.axis == "diversity" and metric.level != "image"]
    metrics = list(dict.fromkeys((asked.x, asked.y, *spreads)))[:MOST_LINES]
    axes = list(dict.fromkeys((asked.x, asked.y)))
    cells = asked.cells(axes)
    lines = _lines(asked, cells, axes, pressure)
    if not lines:
        return f"A response to {pressure.name} needs three doses of one model on this set.", None
    (first, places), *_ = lines.items()
    cells = asked.cells(metrics, *(cells.configs[place] for place in places))
    shown = [
        response(cells, metric, pressure, line)
        for metric in metrics
        for line in lines_of(cells, metric, pressure, asked.ends)
        if line.of == first
    ]
    more = (
        f" {len(lines) - 1} other models have one too: choose under “Only these checkpoints”." if len(lines) > 1 else ""
    )
    return f"{shown[0].who}: {slopes_in_words(shown, (asked.x.name, asked.y.name))}{more}", Doses(tuple(shown))


def _lines(
    asked: ChartQuery, cells: CellValues, metrics: Sequence[Metric], pressure: Pressure
) -> dict[GenerationConfig, list[int]]:
    """The lines that any of the metrics has, and the rows of each."""
    found: dict[GenerationConfig, list[int]] = {}
    for metric in metrics:
        for line in lines_of(cells, metric, pressure, asked.ends):
            found[line.of] = sorted({*found.get(line.of, ()), *line.rows.values()})
    return found


def _checkpoints(asked: ChartQuery) -> tuple[str, Drawn | None]:
    return _agreement(asked, over_checkpoints(asked.cells(scored_on(asked))))


def _prompts(asked: ChartQuery) -> tuple[str, Drawn | None]:
    metrics = scored_on(asked)
    config = asked.reference(metrics)
    if config is None:
        return "The base has no scores on this set.", None
    return _agreement(asked, over_prompts(asked.cells(metrics, config), config))


def _pictures(asked: ChartQuery) -> tuple[str, Drawn | None]:
    """Metrics of single pictures, within the prompts of the base's usual setting."""
    singles = [metric for metric in scored_on(asked) if metric.level == "image"]
    config = asked.reference(singles or (asked.x,))
    if config is None or len(singles) < 2:
        return "Two metrics of single pictures have to be scored on this set for the base.", None
    found = over_pictures(singles, list(picture_values(asked, singles, config).values()), config)
    first, second = singles[:2]
    tau, things = found.between(first.name, second.name)
    sentence = (
        f"{QUESTIONS['pictures']} {first.title} and {second.title} of {setting_name(config)}: tau {said(tau, '+')} within a "
        f"prompt, over {things} pictures."
    )
    return sentence, found


def _agreement(asked: ChartQuery, found: Relations) -> tuple[str, Drawn | None]:
    tau, things = found.between(asked.x.name, asked.y.name)
    of = f" of {setting_name(found.config)}" if found.config else ""
    if math.isnan(tau.mean):
        return f"{QUESTIONS[found.level]} Of {things} {found.level}{of} that cannot be said: five are the least.", found
    return (
        f"{QUESTIONS[found.level]} {asked.x.title} and {asked.y.title}: tau {said(tau, '+')} over {things} {found.level}{of}. "
        "Every metric is turned so that more is better."
    ), found


def _rows(title: str, drawn: Drawn) -> list[ChartRow]:
    match drawn:
        case Edge():
            places = zip(drawn.levels, drawn.best, drawn.by)
            return [
                _row(title, drawn.y, setting_name(by), f"{drawn.x} {level:.6g}", best) for level, best, by in places
            ]
        case Volumes():
            return [_row(title, "area", one.checkpoint, "", one.area) for one in drawn.volumes]
        case RankCurves():
            return list(rank_rows(title, drawn))
        case Doses():
            return [row for one in drawn.responses for row in _of_response(title, one)]
        case Relations():
            return [
                _row(title, one, other, f"{drawn.counts[i][j]} {drawn.level}", drawn.taus[i][j])
                for i, one in enumerate(drawn.metrics)
                for j, other in enumerate(drawn.metrics[:i])
            ]
    return []


def _of_response(title: str, one: Response) -> list[ChartRow]:
    values = [
        _row(title, one.metric, one.who, f"{one.pressure} {dose:g}", value)
        for dose, value in zip(one.doses, one.values)
    ]
    return [*values, _row(title, f"slope of {one.metric}", one.who, f"per {one.per}", one.slope)]


def _row(title: str, what: str, of: str, at: str, found: Interval) -> ChartRow:
    return ChartRow(title, what, of, at, found.mean, found.lo, found.hi)
