"""Trade-off's handlers about the metrics themselves: what the audit found, and scores brought to one version."""

from __future__ import annotations

from typing import Any

import gradio as gr

from t2ialign.charts.audit import audit_figure
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.browser_events import DARK
from t2ialign.dashboard.shared.chart_points import ChartChoice, left_out_cells, load_points
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.wiring import Updates
from t2ialign.dashboard.shared.words import counted
from t2ialign.dashboard.tradeoff.audit_view import audited
from t2ialign.dashboard.tradeoff.handlers import chosen_of, draw, explain
from t2ialign.engines.local import EngineTask
from t2ialign.tradeoff.audit import Audit
from t2ialign.tradeoff.audit_table import table
from t2ialign.use_cases.audit.audit import shipped_audit
from t2ialign.use_cases.batches.rescore import report, rescore

KEY = "rescore"
NOTHING = Audit("", {}, ())


def show_audit(services: Services, theme: str, *controls: Any) -> Updates:
    """Verdicts for both axes, and the heat map of all metrics of the vertical axis' kind."""
    chosen = chosen_of(services, *controls)
    found, audit = load_points(services, chosen), shipped_audit()
    versions = found.scored.versions
    shown = {"Horizontal": chosen.x, "Vertical": chosen.y}
    words = {word: (metric, versions.get(metric.name, "")) for word, metric in shown.items()}
    heat = audit_figure(table(audit or NOTHING, chosen.y.axis), theme == DARK)
    return {"audit": audited(audit, words), "heat": heat}


def offer(services: Services, *controls: Any) -> Updates:
    """The button that brings left-out scores to today's version; there only where some are left out."""
    left_out = load_points(services, chosen_of(services, *controls)).left_out
    at_work = _at_work(services)
    label = f"Score {counted(left_out, 'cell')} anew"
    return {
        "rescore": gr.Button(label, visible=bool(left_out) and not at_work),
        "rescored": gr.HTML() if at_work else "",
        "clock": gr.Timer(active=at_work),
    }


def offer_to(services: Services, key: str, *controls: Any) -> Updates:
    """The offer, as far as it may be taken up by whoever has this key."""
    updates = offer(services, *controls)
    return {**updates, "rescore": gr.Button(visible=False)} if owner.locked(key) else updates


def begin(services: Services, *controls: Any) -> Updates:
    """Hands the left-out cells to the engine; the clock then tells how it goes."""
    chosen = chosen_of(services, *controls)
    found = load_points(services, chosen)
    cells, names = left_out_cells(services, chosen, found), tuple(dict.fromkeys((chosen.x.name, chosen.y.name)))
    if cells:
        services.engine.submit(KEY, lambda cancelled: rescore(services.bench, names, cells, cancelled))
    return {
        "rescore": gr.Button(visible=False),
        "rescored": notice(f"Scoring {counted(len(cells), 'cell')} anew by {_both(chosen)} ...", "note"),
        "clock": gr.Timer(active=True),
    }


def tick(services: Services, theme: str, *controls: Any) -> Updates:
    """How far it is; at the end what came of it, the chart with the new scores, and the clock stops.

    ``controls`` are those of the chart: set, metrics, filters, the front, the clicked point.
    """
    task = services.engine.look(KEY)
    if task is not None and not task.finished:
        return {"rescored": notice(_progress(task), "note")}
    stopped: Updates = {"clock": gr.Timer(active=False), "rescored": ""}
    if task is None:
        return stopped
    said = notice(task.error) if task.error else notice(report(task.record), "note")
    offered, words = offer(services, *controls[:5]), explain(services, *controls[:5])
    return {**draw(services, theme, *controls), **words, **stopped, "rescored": said, "rescore": offered["rescore"]}


def _progress(task: EngineTask) -> str:
    if task.record is None:
        return "Waiting for the work before it ..."
    return f"Scoring anew: {task.record.done} of {counted(task.record.total, 'cell')} ..."


def _at_work(services: Services) -> bool:
    task = services.engine.look(KEY)
    return task is not None and not task.finished


def _both(chosen: ChartChoice) -> str:
    return " and ".join(dict.fromkeys((chosen.x.title, chosen.y.title)))
