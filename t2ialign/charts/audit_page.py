"""The audit as one HTML file that works without a network: what was asked, a verdict a metric, the heat maps."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from t2ialign.charts.audit import audit_figure
from t2ialign.charts.export import chart_html, render
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.audit import Audit, MetricAudit, verdict
from t2ialign.tradeoff.audit_table import table
from t2ialign.types import Axis

HEADINGS: dict[Axis, str] = {"diversity": "Diversity metrics", "alignment": "Alignment metrics"}
TRUTH = "factor_diversity"
QUESTIONS = {
    "follows the true spread": "Kendall's tau with the true spread, over sets rendered with a known spread of one factor "
    "alone, and of everything at once. 1 is perfect, 0 is chance.",
    "the same picture changed": "How far the same picture gets from itself when it is moved, mirrored, made brighter or "
    "larger, as a share of the distance between two different pictures. 0 is perfect.",
    "4 pictures, 4 times": "What four pictures, each four times, score against the four alone. 1 is perfect.",
    "4 pictures, not most": "The mean value of sets of four over that of all the pictures. 1 means that the number of "
    "pictures does not matter.",
    "right before wrong": "How often the right picture scores above the same scene with one mistake. Chance is 0.5.",
    "ranks as the oracle": "Kendall's tau with the share of the prompt's claims that hold, over the seeds of a prompt at one "
    "guidance scale.",
    "seeds a prompt to tell": "The least number of seeds a prompt from which the metric tells two guidance scales apart, in "
    'the direction of the truth, in at least 80 % of draws; "not" where it never does, "wrong" where it says the opposite.',
}


@dataclass(frozen=True)
class Verdict:
    """A row of the table: a metric, and what its answers mean."""

    title: str
    metric: str
    version: str
    verdict: str


@dataclass(frozen=True)
class AxisPart:
    """One axis: its heat map, and a verdict a metric."""

    heading: str
    chart: Markup
    verdicts: tuple[Verdict, ...]


def audit_html(audit: Audit) -> str:
    """The whole report with plotly.js inside (about 5 MB)."""
    axes = [axis for axis in HEADINGS if audit.on(axis)]
    parts = [_part(audit, axis, script=axis == axes[0]) for axis in axes]
    return render("audit.html", subject=audit.subject, scope=audit.scope, parts=parts, questions=QUESTIONS)


def _part(audit: Audit, axis: Axis, script: bool) -> AxisPart:
    found = table(audit, axis)
    rows = tuple(_verdict(one, audit.of(TRUTH)) for row in found.rows if (one := audit.of(row.metric)))
    return AxisPart(HEADINGS[axis], chart_html(audit_figure(found), script), rows)


def _verdict(found: MetricAudit, truth: MetricAudit | None) -> Verdict:
    title = METRICS[found.metric].title if found.metric in METRICS else found.metric
    return Verdict(title, found.metric, found.version, verdict(found, truth))
