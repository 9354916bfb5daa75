"""Small charts beside each other on the same two axes: one a category of prompts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from t2ialign.charts.theme import ink
from t2ialign.charts.tradeoff_notes import NARROW, WIDE

COLUMNS = 2
PANEL_HEIGHT, HEAD = 300, 70  # pixels
TITLE_HEIGHT = 22  # of a panel's title, in pixels
FEW_NAMES = 3  # that a panel has room for
GAPS = {"xgap": 0.12, "ygap": 0.28}  # of a panel


def facets_figure(panels: Sequence[tuple[str, go.Figure]], dark: bool = False, keep: Collection[str] = ()) -> go.Figure:
    """Charts under their titles, two beside each other, with one legend and with axes that are zoomed together.

    Names stand where a phone's chart has room for them too; of a panel with more than ``FEW_NAMES`` only those to ``keep``.
    ``layout.meta.panels`` tells a narrow page to put the panels below each other.
    """
    rows = -(-len(panels) // COLUMNS)
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    layout = panels[0][1].to_plotly_json()["layout"]
    listed: set[str] = set()
    for place, (title, chart) in enumerate(panels, 1):
        one, of = chart.to_plotly_json(), "" if place == 1 else str(place)
        traces += [_of_panel(trace, of, listed) for trace in one["data"]]
        notes += [_note(note, of) for note in _staying(one["layout"].get("annotations", ()), place, keep)]
        notes.append(_title(title, of, dark))
        layout |= {f"{axis}axis{of}": _axis(one["layout"], axis, place, len(panels)) for axis in ("x", "y")}
    layout |= {
        "grid": {"rows": rows, "columns": COLUMNS, "pattern": "independent", **GAPS},
        "height": HEAD + PANEL_HEIGHT * rows,
        "margin": {**layout["margin"], "t": layout["margin"]["t"] + TITLE_HEIGHT},
        "annotations": notes,
        "meta": {**layout.get("meta", {}), "panels": len(panels)},
    }
    return go.Figure(traces, layout, _validate=False)


def _of_panel(trace: dict[str, Any], of: str, listed: set[str]) -> dict[str, Any]:
    """A trace on its panel's axes; a name is in the legend once, and hides its lines on all panels."""
    name = trace.get("name", "")
    shown = {"legendgroup": name, "showlegend": trace.get("showlegend", True) and name not in listed} if name else {}
    listed.add(name)
    return {**trace, "xaxis": f"x{of}", "yaxis": f"y{of}", **shown}


def _staying(notes: Sequence[dict[str, Any]], place: int, keep: Collection[str]) -> list[dict[str, Any]]:
    """The notes that are drawn: of names those for narrow charts, of what stands above the chart the first panel's."""
    names = [note for note in notes if note.get("name") == NARROW]
    crowd = [note for note in names if len(names) > FEW_NAMES and note["text"] not in keep]
    return [
        note
        for note in notes
        if note.get("name") != WIDE and note not in crowd and (note.get("yref") != "paper" or place == 1)
    ]


def _note(note: dict[str, Any], of: str) -> dict[str, Any]:
    if note.get("yref") == "paper":
        return {**note, "yshift": TITLE_HEIGHT}
    moved = {f"{axis}ref": f"{axis}{of}" for axis in ("x", "y")}
    moved |= {ref: f"{ref[1]}{of}" for ref in ("axref", "ayref") if ref in note}
    shown = {"visible": True, "name": ""} if note.get("name") == NARROW else {}
    return {**note, **moved, **shown}


def _title(title: str, of: str, dark: bool) -> dict[str, Any]:
    return {
        "text": f"<b>{escape(title)}</b>",
        "xref": f"x{of} domain",
        "yref": f"y{of} domain",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 13, "color": ink(dark).text},
    }


def _axis(layout: dict[str, Any], axis: str, place: int, panels: int) -> dict[str, Any]:
    """A panel's axis, in step with the first one's; only the outer panels of the page's grid name their axes."""
    own = layout[f"{axis}axis"]
    outer = place % COLUMNS == 1 if axis == "y" else place > panels - COLUMNS
    return {
        **own,
        **({} if outer else {"title": {"text": ""}}),
        **({} if place == 1 else {"matches": axis}),
    }
