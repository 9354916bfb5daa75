"""One look for every chart: colours that colour-blind people tell apart, light and dark, quiet axes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from t2ialign.types import Metric

Figure = go.Figure  # for those who may not import plotly

# The hues of Okabe and Ito (2008), lightness and chroma moved until every two colours (and the text's ink) differ to
# every kind of eye on our backgrounds; tests/charts/test_theme.py measures it. Colour never stands alone: every
# checkpoint has a marker of its own too. The base, which the others are measured against, wears the ink of the text.
LIGHT = ("#0065A0", "#D94C0D", "#009E73", "#D277A9", "#C58C34", "#269FE1", "#4C377A")
DARK = ("#2F9BE6", "#EA734A", "#68DCB3", "#C182A1", "#F0B93A", "#9AD3F7", "#9881B7")
SYMBOLS = ("square", "diamond", "triangle-up", "cross", "star", "triangle-down", "pentagon", "hexagram", "x")
BASE = "base"
TRAINED_AGAIN = re.compile(r"-seed([1-9][0-9]*)")  # in the name of a run that was trained once more, with another seed
DASHES = ("solid", "dash", "dot", "longdash", "dashdot", "longdashdot")
FONT = "var(--font, system-ui), sans-serif"  # the page's, as Gradio names it; plotly.js cuts "inherit" off


@dataclass(frozen=True)
class Style:
    """How one checkpoint is drawn."""

    color: str
    symbol: str
    dash: str = "solid"

    @property
    def size(self) -> int:
        """Marker size that makes every symbol look equally large."""
        return {"circle": 10, "square": 9, "pentagon": 11, "diamond": 11}.get(self.symbol, 12)


@dataclass(frozen=True)
class Ink:
    """The colours of everything that is not data."""

    text: str
    muted: str
    line: str
    grid: str
    halo: str  # a soft disc under a point
    paper: str  # hover labels only: the chart itself is transparent


def ink(dark: bool) -> Ink:
    """Text, muted text, axis lines and grid for a light or a dark page."""
    if dark:
        return Ink(
            "#E5E7EB",
            "#9CA3AF",
            "rgba(229,231,235,0.28)",
            "rgba(229,231,235,0.10)",
            "rgba(229,231,235,0.14)",
            "#1F2937",
        )
    return Ink("#374151", "#5B6472", "rgba(31,41,55,0.28)", "rgba(31,41,55,0.08)", "rgba(31,41,55,0.12)", "#FFFFFF")


def styles(names: Iterable[str], dark: bool = False) -> dict[str, Style]:
    """One style a name, by the order of the names; the base always wears ink and takes no place in that order.

    The eighth name meets the first colour again with another marker; after nine names, lines are dashed. A run's further
    training seeds (``run-seed1``) wear its colour and marker, with a dash of their own, and take no place either.
    """
    colors = DARK if dark else LIGHT
    chosen = {BASE: Style(ink(dark).text, "circle")}
    places: dict[str, int] = {}
    for name in dict.fromkeys(name for name in names if name != BASE):
        i = places.setdefault(run_of(name), len(places))
        again = TRAINED_AGAIN.search(name)
        dash = i // len(SYMBOLS) % 3 + (int(again[1]) if again else 0)
        chosen[name] = Style(colors[i % len(colors)], SYMBOLS[i % len(SYMBOLS)], DASHES[dash % len(DASHES)])
    return chosen


def run_of(name: str) -> str:
    """The run that a checkpoint is a further training seed of, or itself: ``dpo-step50`` of ``dpo-seed2-step50``."""
    return TRAINED_AGAIN.sub("", name)


def faded(color: str, alpha: float) -> str:
    """``#RRGGBB`` with an opacity."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


LEGEND_BELOW = {
    "orientation": "h",
    "yref": "container",
    "y": 0,
    "yanchor": "bottom",
    "x": 0.5,
    "xanchor": "center",
    "font": {"size": 12},
    "maxheight": 0.3,  # of the chart: what does not fit is scrolled to
}
# The last two buttons upload the chart; the others do nothing that a click, a drag or a double click does not.
NO_BUTTONS = ["select2d", "lasso2d", "autoScale2d", "toImage", "sendChartToCloud", "sendDataToCloud"]


# What charts leave to plotly's own template, and no more of it: all of it is 6 kB that nobody sees.
_AXIS = {
    "gridcolor": "white",
    "linecolor": "white",
    "ticks": "",
    "title": {"standoff": 15},
    "zerolinecolor": "white",
    "automargin": True,
    "zerolinewidth": 2,
}
TEMPLATE = {
    "data": {
        "scatter": [{"type": "scatter", "fillpattern": {"fillmode": "overlay", "size": 10, "solidity": 0.2}}],
        "heatmap": [{"type": "heatmap", "colorbar": {"outlinewidth": 0, "ticks": ""}}],
        "contour": [{"type": "contour", "colorbar": {"outlinewidth": 0, "ticks": ""}}],
        "surface": [{"type": "surface", "colorbar": {"outlinewidth": 0, "ticks": ""}}],
    },
    "layout": {
        "autotypenumbers": "strict",
        "annotationdefaults": {"arrowcolor": "#2a3f5f", "arrowhead": 0, "arrowwidth": 1},
        "shapedefaults": {"line": {"color": "#2a3f5f"}},
        "title": {"x": 0.05},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "scene": {axis: {"gridwidth": 2, "ticks": ""} for axis in ("xaxis", "yaxis", "zaxis")},
    },
}


def figure(dark: bool = False, height: int = 460) -> go.Figure:
    """An empty figure in the house's look; the page gives it its width."""
    return go.Figure(layout=look_of(dark, height))


def drawn(traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> go.Figure:
    """Lines and markers in a layout, as they stand: plotly's check of each value takes ten times as long as drawing them.

    Held by a test that has plotly check them (tests/charts/test_tradeoff.py).
    """
    return go.Figure([{"type": "scatter", **trace} for trace in traces], dict(layout), _validate=False)


def look_of(dark: bool = False, height: int = 460) -> dict[str, Any]:
    """The house's look as a layout."""
    colors = ink(dark)
    label = {
        "bgcolor": colors.paper,
        "bordercolor": colors.line,
        "font": {"family": FONT, "color": colors.text, "size": 12},
    }
    return {
        "template": TEMPLATE,
        "height": height,
        "autosize": True,
        "margin": {"l": 12, "r": 16, "t": 16, "b": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": colors.text},
        "hoverlabel": {**label, "align": "left"},
        "legend": LEGEND_BELOW,
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colors.line, "activecolor": colors.text, "remove": NO_BUTTONS},
        "hovermode": "closest",
        "dragmode": "zoom",
        "xaxis": _axis(colors),
        "yaxis": _axis(colors),
    }


def _axis(colors: Ink) -> dict[str, Any]:
    return {
        "gridcolor": colors.grid,
        "linecolor": colors.line,
        "showline": True,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": colors.line,
        "tickfont": {"color": colors.muted, "size": 11},
        "nticks": 7,
        "automargin": True,
        "title": {"font": {"size": 14}},
    }


def axis_title(metric: Metric, muted: str) -> str:
    """The metric in words, its unit and the better way, on two lines: ``Taste``, ``points · more faithful →``."""
    better = metric.better or {"alignment": "more faithful", "diversity": "more varied"}[metric.axis]
    arrow = f"{better} →" if metric.higher_is_better else f"← {better}"
    unit = "" if metric.unit.lower() == metric.title.lower() else f"{metric.unit} · "
    return f'<b>{metric.title}</b><br><span style="font-size:12px;color:{muted}">{unit}{arrow}</span>'


def empty_figure(message: str, dark: bool = False, height: int = 460) -> go.Figure:
    """No data yet: a sentence that says what to do, and nothing else."""
    empty = figure(dark, height)
    empty.update_layout(dragmode=False)
    empty.update_xaxes(visible=False)
    empty.update_yaxes(visible=False)
    empty.add_annotation(
        text=message,
        showarrow=False,
        x=0.5,
        y=0.5,
        xref="paper",
        yref="paper",
        font={"color": ink(dark).muted, "size": 14},
    )
    return empty
