"""A figure as one HTML file that works without a network, for sending to someone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

CONFIG = {"displaylogo": False, "showSendToCloud": False, "responsive": True, "doubleClick": "reset"}
"""What plotly.js is told outside the figure: no logo, and no button that uploads the chart (plotly.js 4 has one)."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 1rem; font-family: system-ui, sans-serif; background: {background}; color: {color} }}
h1 {{ font-size: 1.1rem }}
p {{ font-size: 0.9rem; max-width: 48rem }}
</style>
</head><body><h1>{title}</h1>{chart}{below}</body></html>
"""


def standalone_html(figure: go.Figure, title: str, dark: bool = False, captions: Sequence[str] = ()) -> str:
    """The figure with plotly.js inside (about 5 MB), in a page of its own; ``title`` and ``captions`` are plain text."""
    chart = figure.to_html(full_html=False, include_plotlyjs=True, config=CONFIG)
    background, color = ("#111827", "#E5E7EB") if dark else ("#FFFFFF", "#1F2937")
    below = "".join(f"<p>{escape(caption)}</p>" for caption in captions)
    return PAGE.format(title=escape(title), chart=chart, below=below, background=background, color=color)
