"""Arrows from parents and names beside lines: the trade-off chart's annotations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from t2ialign.charts.labels import Box, Label, place
from t2ialign.charts.theme import Style
from t2ialign.tradeoff.arrows import Arrow
from t2ialign.types import GenerationConfig, TradeoffPoint

FADED = 0.3  # opacity of what is not chosen
WIDE, NARROW = "wide", "narrow"  # the names' annotations: either those for a page or those for a phone are seen
BOXES = {WIDE: Box(620, 380), NARROW: Box(230, 380)}


def opacity(keys: Collection[str], highlight: Collection[str]) -> float:
    """What is not highlighted fades while something is."""
    return 1.0 if not highlight or set(keys) & set(highlight) else FADED


def one_a_line(
    lines: Mapping[str, Sequence[TradeoffPoint]],
    drawn: Mapping[GenerationConfig, Arrow],
    highlight: Collection[str],
) -> list[Arrow]:
    """Of each line the arrows at ringed points; of a line without any, the one in the middle."""
    chosen = []
    for line in lines.values():
        found = [drawn[point.config] for point in line if point.config in drawn]
        ringed = [arrow for arrow in found if arrow.policy.key in highlight]
        chosen += ringed or found[len(found) // 2 :][:1]
    return chosen


def arrow_lines(
    arrows: Iterable[Arrow],
    look: Mapping[str, Style],
    highlight: Collection[str],
    faint: bool = False,
    behind: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Annotations from a parent's mean over the shared prompts to a checkpoint's.

    All are ``faint`` unless they are ringed, or those of the checkpoints ``behind``.
    """

    def is_faint(arrow: Arrow) -> bool:
        return faint or arrow.policy.checkpoint in behind

    return [
        {
            "x": arrow.x.policy_mean.mean,
            "y": arrow.y.policy_mean.mean,
            "ax": arrow.x.base_mean.mean,
            "ay": arrow.y.base_mean.mean,
            "xref": "x",
            "yref": "y",
            "axref": "x",
            "ayref": "y",
            "showarrow": True,
            "arrowhead": 3,
            "arrowsize": 1.1,
            "arrowwidth": 1.6 if not is_faint(arrow) or arrow.policy.key in highlight else 1,
            "text": "",
            "standoff": 7,
            "startstandoff": 6,
            "arrowcolor": look[arrow.policy.checkpoint].color,
            "opacity": opacity({arrow.policy.key}, highlight) * (FADED if is_faint(arrow) and not highlight else 1),
        }
        for arrow in arrows
    ]


def names(
    lines: Mapping[str, Sequence[TradeoffPoint]],
    look: Mapping[str, Style],
    drawn: Collection[GenerationConfig],
    highlight: Collection[str],
    behind: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Each line's name beside its last point, the ringed ones first; one without room, or ``behind``, is the pointer's.

    Twice: as a page has room for them, and, out of sight, as a phone has (``annotation.name``).
    """
    ends = {name: line[-1] for name, line in lines.items() if line[-1].config.checkpoint not in behind}
    ranked = sorted(ends, key=lambda name: (ends[name].config.key not in highlight, ends[name].config in drawn, name))
    wanted = [Label(name, ends[name].x.mean, ends[name].y.mean) for name in ranked]
    points = [(point.x.mean, point.y.mean) for line in lines.values() for point in line]
    return [
        {
            "x": found.label.x,
            "y": found.label.y,
            "text": escape(found.label.text),
            "showarrow": False,
            "xanchor": found.xanchor,
            "yanchor": found.yanchor,
            "xshift": found.xshift,
            "yshift": found.yshift,
            "font": {"size": 12, "color": look[ends[found.label.text].config.checkpoint].color},
            "opacity": opacity({point.config.key for point in lines[found.label.text]}, highlight),
            "name": width,
            **({} if width == WIDE else {"visible": False}),
        }
        for width, box in BOXES.items()
        for found in place(wanted, points, box, inside=width == NARROW)
    ]
