"""What the audit found out about the metrics on the chart's axes."""

from __future__ import annotations

from markupsafe import Markup

from t2ialign.dashboard.shared.templates import render
from t2ialign.tradeoff.audit import Audit, verdict
from t2ialign.types import Metric

TRUTH = "factor_diversity"
COMMAND = "python -m t2ialign audit"


def audited(audit: Audit | None, shown: dict[str, tuple[Metric, str]]) -> Markup:
    """A verdict for each axis; ``shown`` gives each word's metric and the version of the scores on the chart."""
    if audit is None:
        return render("tradeoff/audit.html", subject=None, command=COMMAND)
    rows = [(f"{word}: {metric.title}", _verdict(audit, metric, version)) for word, (metric, version) in shown.items()]
    return render("tradeoff/audit.html", subject=audit.subject, rows=rows, command=COMMAND)


def _verdict(audit: Audit, metric: Metric, version: str) -> str:
    found = audit.of(metric.name)
    if found is None:
        return "Not audited: it cannot be measured in the embedded world."
    changed = version and found.version != version
    said = verdict(found, audit.of(TRUTH))
    return said + " This was another version of the metric than the chart's." if changed else said
