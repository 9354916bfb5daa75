"""The audit as one HTML file that works without a network: what was asked, a verdict a metric, the heat maps."""

from __future__ import annotations

from html import escape

from t2ialign.charts.audit import audit_figure
from t2ialign.charts.export import CONFIG
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
STYLE = """
body { margin: 2rem auto; max-width: 1180px; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: #1F2937 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem } dt { font-weight: 600 } dd { margin: 0 0 .5rem 0 }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .4rem .7rem .4rem 0;
border-bottom: 1px solid #E5E7EB } td:first-child { white-space: nowrap; font-weight: 600 } small { color: #5B6472 }
"""


def audit_html(audit: Audit) -> str:
    """The whole report with plotly.js inside (about 5 MB)."""
    parts, script = [], True
    for axis, heading in HEADINGS.items():
        if audit.on(axis):
            chart = audit_figure(table(audit, axis))
            drawn = chart.to_html(full_html=False, include_plotlyjs=script, config=CONFIG)
            parts.append(f"<h2>{heading}</h2>{drawn}{_verdicts(audit, axis)}")
            script = False
    title = f"Which metric tells the truth? An audit on {escape(audit.subject)}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><h1>{title}</h1><p>{_scope(audit)}</p>{''.join(parts)}<h2>What was asked</h2>{_questions()}</body></html>\n"
    )


def _verdicts(audit: Audit, axis: Axis) -> str:
    rows = "".join(
        _verdict(entry, audit.of(TRUTH)) for row in table(audit, axis).rows if (entry := audit.of(row.metric))
    )
    return f"<table><thead><tr><th>Metric</th><th>Verdict</th></tr></thead><tbody>{rows}</tbody></table>"


def _verdict(entry: MetricAudit, truth: MetricAudit | None) -> str:
    title = METRICS[entry.metric].title if entry.metric in METRICS else entry.metric
    return (
        f"<tr><td>{escape(title)}<br><small>{escape(entry.metric)}</small></td>"
        f"<td>{escape(verdict(entry, truth))}<br><small>version {escape(entry.version)}</small></td></tr>"
    )


def _scope(audit: Audit) -> str:
    words = (f"{name.replace('_', ' ')}: {value}" for name, value in audit.scope.items())
    return f"Intervals are 95 % over prompts. {escape('; '.join(words))}."


def _questions() -> str:
    return "<dl>" + "".join(f"<dt>{escape(n)}</dt><dd>{escape(text)}</dd>" for n, text in QUESTIONS.items()) + "</dl>"
