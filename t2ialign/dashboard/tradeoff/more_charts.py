"""Trade-off's charts beside the chart: drawn once somebody opens them, with a sentence, as CSV and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import gradio as gr

from t2ialign.charts import standalone_html
from t2ialign.charts.drawn import drawn_figure
from t2ialign.charts.theme import empty_figure
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.browser_events import DARK
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.wiring import Updates
from t2ialign.dashboard.tradeoff.handlers import chosen_of
from t2ialign.store import write_table
from t2ialign.types import InputError
from t2ialign.use_cases.align.lineage import lineages, steps_of
from t2ialign.use_cases.batches.rescore import current_version
from t2ialign.use_cases.reports.more_charts import TITLES, ChartQuery, MoreChart, more_chart

FIRST = "edge"
NO_SET = "Choose a benchmark set above: on everything stored nothing is compared."


def panel() -> dict[str, Any]:
    """Folded away, and empty until it is opened."""
    with gr.Accordion("More charts of this set", open=False, elem_id="t2-more") as fold:
        with gr.Row():
            kind = gr.Dropdown(
                [(title, name) for name, title in TITLES.items()],
                value=FIRST,
                label="Chart",
                filterable=False,
                scale=3,
                min_width=260,
                elem_id="t2-more-kind",
            )
            csv = gr.Button("CSV", size="sm", scale=0, min_width=70, elem_id="t2-more-csv")
            html = gr.Button("HTML", size="sm", scale=0, min_width=70, elem_id="t2-more-html")
        said = gr.HTML("", apply_default_css=False, elem_id="t2-more-said")
        plot = gr.Plot(show_label=False, container=False, elem_id="t2-more-chart")
        asked = gr.State(
            None
        )  # what the chart on show was drawn for: a file is of that, whatever the controls say since
    return {
        "more": fold,
        "more_kind": kind,
        "more_csv": csv,
        "more_html": html,
        "more_said": said,
        "more_plot": plot,
        "more_asked": asked,
    }


def draw_more(services: Services, theme: str, kind: str, *controls: Any) -> Updates:
    """The chart of the set that the controls name, or a sentence that says what it needs."""
    asked = {"more_asked": (kind, *controls)}
    try:
        found = _found(services, kind, *controls)
        if found.drawn is None:
            raise InputError(found.sentence)
    except InputError as error:
        nothing = empty_figure("", theme == DARK, height=120)
        return asked | {"more_said": notice(str(error), "note"), "more_plot": nothing}
    shown = drawn_figure(found.drawn, theme == DARK)
    return asked | {"more_said": notice(found.sentence, "hint"), "more_plot": shown}


def export_more(services: Services, suffix: str, theme: str, asked: Sequence[Any] | None) -> Updates:
    """The numbers of the chart on show as CSV, or itself as an HTML file that needs no network."""
    try:
        if asked is None:
            raise InputError("Open the chart first, then take it away.")
        kind, *controls = asked
        found = _found(services, kind, *controls)
        if found.drawn is None:
            raise InputError(found.sentence)
    except InputError as error:
        return {"problem": notice(str(error)), "file": None}
    path = services.new_export() / f"{kind or FIRST}{suffix}"
    if suffix == ".html":
        title, dark = f"{found.title}. {found.sentence}", theme == DARK
        path.write_text(standalone_html(drawn_figure(found.drawn, dark), title, dark), encoding="utf-8")
    else:
        write_table([asdict(row) for row in found.rows], path)
    return {"problem": "", "file": str(path)}


def _found(services: Services, kind: str, *controls: Any) -> MoreChart:
    chosen = chosen_of(services, *controls)
    if not chosen.comparable:
        raise InputError(NO_SET)
    today = partial(current_version, services.bench)
    ends = steps_of(lineages(services.bench.registry().checkpoints.values()))
    return more_chart(ChartQuery(services.store, chosen.x, chosen.y, chosen.shown, today, ends), kind or FIRST)
