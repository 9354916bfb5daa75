"""What the audit found out about the metrics on the chart's axes."""

from __future__ import annotations

from html import escape

from t2ialign.tradeoff.audit import Audit, verdict
from t2ialign.types import Metric

TRUTH = "factor_diversity"
COMMAND = "python -m t2ialign audit"


def audited(audit: Audit | None, shown: dict[str, tuple[Metric, str]]) -> str:
    """A verdict for each axis; ``shown`` gives each word's metric and the version of the scores on the chart."""
    if audit is None:
        return (
            f'<p class="t2-notice hint">No audit is stored yet: run <code>{COMMAND} --save data/audit.json</code>.</p>'
        )
    rows = "".join(_row(audit, word, metric, version) for word, (metric, version) in shown.items())
    return (
        f'<dl class="t2-audit">{rows}</dl><p class="t2-notice hint">In the table, blue is good and orange is bad; rest the '
        f"pointer on a cell, or tap it, to read what it says. From renders and runs of {escape(audit.subject)}, where "
        "the truth is known: a metric that fails here may do better on photographs, and the other way round. "
        f"<code>{COMMAND} --out audit.html</code> makes the whole report, <code>{COMMAND} FOLDER</code> audits on your own "
        "pictures.</p>"
    )


def _row(audit: Audit, word: str, metric: Metric, version: str) -> str:
    found = audit.of(metric.name)
    said = verdict(found, audit.of(TRUTH)) if found else "Not audited: it cannot be measured in the embedded world."
    if found and version and found.version != version:
        said += " This was another version of the metric than the chart's."
    return f"<dt>{escape(word)}: {escape(metric.title)}</dt><dd>{escape(said)}</dd>"
