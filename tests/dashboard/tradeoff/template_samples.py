"""Trade-off's template through the function that renders it, with hostile text wherever text may come in."""

from dataclasses import replace

from t2ialign.dashboard.tradeoff.audit_view import audited
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.audit import Audit, MetricAudit
from tests.dashboard.outline import EVIL


def audit() -> str:
    metric = replace(METRICS["lpips"], title=EVIL)
    found = Audit(EVIL, {}, (MetricAudit("lpips", EVIL, "diversity", "pair"),))
    return audited(None, {}) + audited(found, {EVIL: (metric, "1")})


SAMPLES = {"tradeoff/audit.html": audit}
