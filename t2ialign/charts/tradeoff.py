"""The trade-off chart: alignment against diversity, one line a checkpoint along its guidance scales.

What was trained is an arrow from its parent. Names stand on the chart where there is room, beside the end of a line or the
point of an arrow; a list of all checkpoints is the page's.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

from t2ialign.charts.digits import as_seen, note_as_seen, seen_digits
from t2ialign.charts.intervals import error_bars, in_words, signed
from t2ialign.charts.paths import dial_paths
from t2ialign.charts.sweeps import sweeps
from t2ialign.charts.theme import (
    TRAINED_AGAIN,
    Ink,
    Style,
    axis_title,
    drawn,
    empty_figure,
    faded,
    ink,
    look_of,
    styles,
)
from t2ialign.charts.tradeoff_notes import arrow_lines, names, one_a_line, opacity
from t2ialign.names import NO_TITLES
from t2ialign.tradeoff.arrows import Arrow
from t2ialign.tradeoff.comparison import Comparison
from t2ialign.tradeoff.pareto import pareto_front
from t2ialign.types import GenerationConfig, Interval, Metric, TradeoffPoint

FEW_PROMPTS = 4
CROWD = 3  # more sweeps than this, and labels beside every point would overlap
THRONG = 12  # more than this, and so would labels at the ends of the sweeps
SWARM = 60  # more points than this: lines are thin, arrows faint, and bars wait for the pointer (``layout.meta``)
NO_BAR = Interval(math.nan, math.nan, math.nan)
LEGEND_ROW = 19  # pixels
NOTE_WIDTH, NOTE_LINE = 34, 14.3  # letters that a phone's chart has room for, and pixels of a line of them
LABEL_ROOM = 0.15  # of the points' span
BASE_SYMBOL = "circle"  # the base's alone
BESIDE_RING = "\N{EN SPACE}"
EMPTY = "No points yet.<br>Choose a prompt, press <b>Generate</b>,<br>and its point lands here<br>when both axes have a score."


def tradeoff_figure(
    points: Sequence[TradeoffPoint],
    x_metric: Metric,
    y_metric: Metric,
    highlight: Collection[str] = (),
    pareto: bool = True,
    dark: bool = False,
    order: Sequence[str] = (),
    bars: bool = True,
    arrows: Sequence[Arrow] = (),
    whole: int = FEW_PROMPTS,
    named: bool = False,
    titles: Mapping[str, str] = NO_TITLES,
    said: Sequence[str] = (),
) -> go.Figure:
    """Points with their intervals unless ``bars`` is off, dials as paths with arrow heads, ``highlight``'s keys ringed.

    ``order`` lists all checkpoints, shown or not, so that a filter changes nobody's colour. ``customdata[0]`` of a point is its
    config's key. Points on fewer than ``whole`` prompts are hollow and outside the front: these may be easy ones. Without a
    mean they are left out; of several metric versions only the most frequent pair is drawn, and a note says what that hides.
    ``arrows`` lead from parents to what was trained from them; those points' bars are the intervals of the change. With
    ``named``, names (or ``titles``) stand beside the lines, and what is not ringed fades. ``said`` stands above the chart.
    """
    known = [point for point in points if math.isfinite(point.x.mean) and math.isfinite(point.y.mean)]
    if not (shown := one_version(known)):
        return empty_figure(EMPTY, dark)
    colors = ink(dark)
    traces = [_front(shown, x_metric, y_metric, colors, whole)] if pareto else []
    lines, swarm = sweeps(shown, titles), len(shown) > SWARM
    behind = _further_seeds(shown, highlight) if len(lines) > THRONG else frozenset()
    look = styles([*order, *sorted(point.config.checkpoint for point in shown)], dark)
    changed = _from_parents(arrows, shown)
    barred = {point.config for point in solid_points(shown, whole)} if bars else set()
    text = labels(list(lines.values()), highlight)
    faintness = 0.35 if len(lines) <= 2 * CROWD else 0.18
    for name, line in lines.items():
        style, unlisted = look[line[0].config.checkpoint], line[0].config.checkpoint in behind
        trace = _sweep(name, line, style, colors, x_metric, y_metric, whole, changed)
        color, words = faded(style.color, faintness), tuple(text[point.config] for point in line)
        trace |= _bars(line, barred, color, changed) | {"text": words}
        trace |= _beside_its_name(line, highlight) if named else {"showlegend": False} if unlisted else {}
        traces.append(_thin(trace, style) if swarm or unlisted else trace)
    unfaded = highlight if named else ()
    notes = arrow_lines(one_a_line(lines, changed, highlight), look, unfaded, swarm, behind)
    notes += names(lines, look, changed, highlight, behind) if named else []
    ringed = [point for point in shown if point.config.key in highlight]
    traces += [*dial_paths(lines.values(), shown, look, unfaded, swarm), _rings(ringed, colors)]
    notes += _note(unsaid := _left_unsaid(said, shown, len(known) - len(shown), whole, bool(changed), bars), colors)
    layout = _titled(look_of(dark), shown, x_metric, y_metric, colors) | {"meta": {"swarm": swarm}}
    return _as_seen(traces, notes, layout | {"margin": _below(unsaid, layout["margin"])}, shown)


def _as_seen(
    traces: Sequence[dict[str, Any]],
    notes: Sequence[dict[str, Any]],
    layout: dict[str, Any],
    shown: Sequence[TradeoffPoint],
) -> go.Figure:
    """The chart without the digits that nobody sees."""
    digits = seen_digits(shown)
    annotations = [note_as_seen(note, digits) for note in notes]
    return drawn([as_seen(trace, digits) for trace in traces], {**layout, "annotations": annotations})


def _further_seeds(points: Sequence[TradeoffPoint], highlight: Collection[str]) -> frozenset[str]:
    """Checkpoints that are the same run with another training seed, and not ringed.

    Where many lines crowd they are faint, without a name and in no legend.
    """
    found = {point.config.checkpoint for point in points if TRAINED_AGAIN.search(point.config.checkpoint)}
    return frozenset(found - {point.config.checkpoint for point in points if point.config.key in highlight})


def _below(note: Sequence[str], margin: Mapping[str, Any]) -> dict[str, Any]:
    """Room above the chart for each further line of its note."""
    return {**margin, "t": margin["t"] + NOTE_LINE * max(len(note) - 1, 0)}


def _beside_its_name(line: Sequence[TradeoffPoint], highlight: Collection[str]) -> dict[str, Any]:
    """In no legend, and faded while something else is ringed."""
    return {"showlegend": False, "opacity": opacity({point.config.key for point in line}, highlight)}


def _thin(trace: dict[str, Any], style: Style) -> dict[str, Any]:
    """A line of a swarm, drawn more lightly unless it is the base's."""
    if style.symbol == BASE_SYMBOL:
        return trace
    thin = {"line": {**trace["line"], "width": 1}, "marker": {**trace["marker"], "size": style.size - 3}}
    return trace | thin


def _from_parents(arrows: Sequence[Arrow], shown: Sequence[TradeoffPoint]) -> dict[GenerationConfig, Arrow]:
    """The arrows that end in a point that is on the chart."""
    configs = {point.config for point in shown}
    return {arrow.policy: arrow for arrow in arrows if arrow.policy in configs}


def _titled(
    layout: Mapping[str, Any], shown: Sequence[TradeoffPoint], x_metric: Metric, y_metric: Metric, colors: Ink
) -> dict[str, Any]:
    x, y = layout["xaxis"], layout["yaxis"]
    heights = room(point.y.mean for point in shown)
    return {
        **layout,
        "xaxis": x | {"title": x["title"] | {"text": axis_title(x_metric, colors.muted), "standoff": 8}},
        "yaxis": y
        | {
            "title": y["title"] | {"text": axis_title(y_metric, colors.muted), "standoff": 6},
            "autorangeoptions": heights,
        },
        "legend": layout["legend"] | {"xref": "container"},  # as wide as the chart with its labels, not as its axis
        "uirevision": f"{x_metric.name} {y_metric.name}",  # a zoom survives new points
    }


def small(chart: go.Figure, height: int = 360) -> go.Figure:
    """A chart for a narrow column: as much taller than ``height`` as its legend needs there, so that none is scrolled."""
    rows = sum(trace.showlegend is not False for trace in chart.data)
    return chart.update_layout(height=height + LEGEND_ROW * rows, legend={"maxheight": 0.55})


def solid_points(points: Sequence[TradeoffPoint], whole: int = FEW_PROMPTS) -> list[TradeoffPoint]:
    """The points on enough prompts to be compared; all of them where there are none."""
    return [point for point in points if point.prompts >= whole] or list(points)


def one_version(points: Sequence[TradeoffPoint]) -> list[TradeoffPoint]:
    """The points of the most frequent pair of metric versions: numbers of different versions share no axis."""
    counts = Counter((point.x_version, point.y_version) for point in points)
    usual = max(counts, key=lambda pair: (counts[pair], pair), default=None)
    return [point for point in points if (point.x_version, point.y_version) == usual]


def _sweep(
    name: str,
    line: Sequence[TradeoffPoint],
    style: Style,
    colors: Ink,
    x_metric: Metric,
    y_metric: Metric,
    whole: int,
    arrows: Mapping[GenerationConfig, Arrow],
) -> dict[str, Any]:
    hollow = [point.prompts < whole for point in line]
    return {
        "name": escape(name),
        "x": [point.x.mean for point in line],
        "y": [point.y.mean for point in line],
        "mode": "lines+markers+text",
        "line": {"color": style.color, "width": 2, "dash": style.dash},
        "marker": {
            "color": style.color,
            "symbol": _one_for_all([style.symbol + ("-open" if few else "") for few in hollow]),
            "size": style.size + 3,
            # An edge in the page's colour keeps points apart that lie on each other.
            "line": {"width": 1.5, "color": _one_for_all([style.color if few else colors.paper for few in hollow])},
        },
        "textposition": "top right",
        "textfont": {"size": 11, "color": style.color},
        "customdata": tuple((point.config.key,) for point in line),
        "hovertext": tuple(_hover(name, point, x_metric, y_metric, arrows.get(point.config)) for point in line),
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _one_for_all(values: Sequence[str]) -> str | tuple[str, ...]:
    """A line's points mostly look alike, which is said once."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def _bars(
    line: Sequence[TradeoffPoint],
    barred: Collection[GenerationConfig],
    color: str,
    arrows: Mapping[GenerationConfig, Arrow],
) -> dict[str, Any]:
    """The intervals of a sweep's points; where a few prompts say next to nothing, a bar would only stretch the axes.

    At the point of an arrow, the interval of the change: the prompts' spread, which both ends share, hides it elsewhere.
    """
    known = [
        (NO_BAR, NO_BAR)
        if point.config not in barred
        else _changed(arrows[point.config])
        if point.config in arrows
        else (point.x, point.y)
        for point in line
    ]
    return {"error_x": error_bars([x for x, _ in known], color), "error_y": error_bars([y for _, y in known], color)}


def _changed(arrow: Arrow) -> tuple[Interval, Interval]:
    return _around_tip(arrow.x), _around_tip(arrow.y)


def _around_tip(one: Comparison) -> Interval:
    gap, mean = one.difference, one.base_mean.mean
    return NO_BAR if gap is None else Interval(mean + gap.mean, mean + gap.lo, mean + gap.hi)


def labels(lines: Sequence[Sequence[TradeoffPoint]], highlight: Collection[str]) -> dict[GenerationConfig, str]:
    """The guidance scales beside the points; where many lines crowd, beside what is highlighted and the ends of sweeps.

    Of a throng of lines only the first has its ends labelled.
    """
    text = {}
    for line in lines:
        ends = (line[0], line[-1]) if len(line) > 1 and (len(lines) <= THRONG or line is lines[0]) else ()
        for point in line:
            scale = f"{point.config.guidance_scale:g}"
            if point.config.key in highlight:
                text[point.config] = f"{BESIDE_RING}CFG {scale}"
            else:
                text[point.config] = scale if len(lines) <= CROWD or point in ends else ""
    first = next((config for config, scale in text.items() if scale), None)
    if first is None or text[first].startswith(BESIDE_RING):
        return text
    return {**text, first: f"CFG {text[first]}"}


def _hover(name: str, point: TradeoffPoint, x_metric: Metric, y_metric: Metric, arrow: Arrow | None = None) -> str:
    prompts = "1 prompt" if point.prompts == 1 else f"{point.prompts} prompts"
    lines = [
        f"<b>{escape(name)}</b> at CFG {point.config.guidance_scale:g}",
        f"{x_metric.title}: {in_words(point.x)}",
        f"{y_metric.title}: {in_words(point.y)}",
        f"{prompts}, {point.seeds} seeds",
    ]
    if arrow is not None:
        lines += [f"Beside {escape(arrow.parent.checkpoint)}, on the same prompts and seeds:", *_changes(arrow)]
    return "<br>".join(lines)


def _changes(arrow: Arrow) -> Iterator[str]:
    for one, word in ((arrow.x, "across"), (arrow.y, "up")):
        if one.difference is not None and math.isfinite(one.difference.mean):
            gap = one.difference
            ends = "" if math.isnan(gap.lo) else f" ({signed(gap.lo)} to {signed(gap.hi)})"
            yield f"  {word} {signed(gap.mean)}{ends}"
    if arrow.win_rate is not None and math.isfinite(arrow.win_rate.mean):
        yield f"  preferred in {arrow.win_rate.mean:.0%}"


def _front(
    points: Sequence[TradeoffPoint], x_metric: Metric, y_metric: Metric, colors: Ink, whole: int
) -> dict[str, Any]:
    front = pareto_front(solid_points(points, whole), (x_metric.higher_is_better, y_metric.higher_is_better))
    return {
        "name": "Pareto front",
        "x": [point.x.mean for point in front],
        "y": [point.y.mean for point in front],
        "mode": "lines+markers",
        # The edge of what is reached: from a point first along the axis on which its neighbour is worse.
        "line": {"color": colors.line, "width": 1, "shape": "vh" if x_metric.higher_is_better else "hv"},
        "marker": {"color": colors.halo, "size": 22, "line": {"width": 0}},
        "hoverinfo": "skip",
    }


def room(heights: Iterable[float]) -> dict[str, Any]:
    """A little more above the highest point, where its label stands."""
    drawn = list(heights)
    return {"include": max(drawn) + LABEL_ROOM * (max(drawn) - min(drawn))}


def _rings(points: Sequence[TradeoffPoint], colors: Ink) -> dict[str, Any]:
    return {
        "x": [point.x.mean for point in points],
        "y": [point.y.mean for point in points],
        "mode": "markers",
        "marker": {"symbol": "circle-open", "size": 24, "color": colors.text, "line": {"width": 2.5}},
        "hoverinfo": "skip",  # clicks go to the point inside
        "showlegend": False,
    }


def _left_unsaid(
    said: Sequence[str], shown: Sequence[TradeoffPoint], hidden: int, whole: int, arrows: bool, bars: bool
) -> list[str]:
    """What the chart must add in words: points that it hides, what hollow ones are; in lines that a phone has room for."""
    if hidden:
        more = [
            "1 point of another metric version is hidden"
            if hidden == 1
            else f"{hidden} points of other metric versions are hidden"
        ]
    else:
        more = ["Arrows: from the parent", "Bars: 95 % interval of the change"][: 1 + bars] if arrows else []
        if any(point.prompts < whole for point in shown):
            more.append(f"Hollow: fewer than {whole} prompts")
    return [escape(line) for part in (*said, *more) for line in wrap(part, NOTE_WIDTH)]


def _note(lines: Sequence[str], colors: Ink) -> list[dict[str, Any]]:
    font = {"color": colors.muted, "size": 11}
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "align": "left"}
    return [{"text": "<br>".join(lines), "showarrow": False, "font": font, **place}] if lines else []
