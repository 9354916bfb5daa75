"""Trade-off's template through the function that renders it, with hostile text wherever text may come in."""

import math
from dataclasses import replace

from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.tradeoff.audit_view import audited
from t2ialign.dashboard.tradeoff.run_table import RunRow
from t2ialign.metrics import METRICS
from t2ialign.store import Mark
from t2ialign.tradeoff.arrows import Arrow
from t2ialign.tradeoff.audit import Audit, MetricAudit
from t2ialign.tradeoff.comparison import Comparison
from t2ialign.tradeoff.front_band import Volume
from t2ialign.tradeoff.matching import AsAligned
from t2ialign.types import AdapterUse, GenerationConfig, Interval, TradeoffPoint
from t2ialign.use_cases.align.lineage import Lineage
from tests.dashboard.outline import EVIL

MEAN = Interval(0.5, 0.4, 0.6)


def audit() -> str:
    metric = replace(METRICS["lpips"], title=EVIL)
    found = Audit(EVIL, {}, (MetricAudit("lpips", EVIL, "diversity", "pair"),))
    return audited(None, {}) + audited(found, {EVIL: (metric, "1")})


def run_table() -> str:
    config = GenerationConfig("shapes", adapters=(AdapterUse(EVIL),))
    point = TradeoffPoint(config, "clip_score", "lpips", MEAN, MEAN, 3, 12, "1", "1")
    parent = GenerationConfig("shapes")
    change = Comparison(config, parent, "clip_score", 3, 12, MEAN, MEAN, MEAN, win_rate=MEAN)
    arrow = Arrow(change, replace(change, difference=None, metric="lpips"), change)
    line = Lineage(EVIL, EVIL, EVIL, EVIL, "clip_score", EVIL)
    row = RunRow(point, Look("#000", "#fff"), line, Mark(note=EVIL, title=EVIL), EVIL, EVIL, arrow)
    metric = replace(METRICS["lpips"], title=EVIL)
    return render(
        "tradeoff/run_table.html",
        rows=[row, replace(row, point=replace(point, prompts=9), mark=Mark(True), arrow=None)],
        x=metric,
        y=metric,
        whole=9,
        hidden=[EVIL],
        titles={EVIL: EVIL},
        most=6,
        own={EVIL},
        gone=[EVIL],
        picked=config.key,
    )


def differences() -> str:
    return render("tradeoff/differences.html", titles=[EVIL, EVIL], rows=[(EVIL, [EVIL, EVIL])], same=1)


def curve_names() -> str:
    return render("tradeoff/curve_names.html", looks=[(EVIL, Look("#000", "#fff"))], without=[EVIL])


def matches() -> str:
    config = GenerationConfig("shapes", adapters=(AdapterUse(EVIL),))
    found = AsAligned(config, EVIL, 0.5, 2.0, MEAN, (1.0, 8.0), 0.1, 0.9, 12)
    without = replace(found, scale=math.nan, gain=replace(MEAN, mean=math.nan))
    metric = replace(METRICS["lpips"], title=EVIL)
    few = replace(found, gain=replace(MEAN, lo=math.nan, hi=math.nan))
    called = {EVIL: EVIL}
    return render("tradeoff/matches.html", matches=[found, few, without], x=metric, y=metric, titles=called)


def volumes() -> str:
    return render("tradeoff/volumes.html", volumes=[Volume(EVIL, MEAN, 3)])


SAMPLES = {
    "tradeoff/matches.html": matches,
    "tradeoff/volumes.html": volumes,
    "tradeoff/audit.html": audit,
    "tradeoff/run_table.html": run_table,
    "tradeoff/differences.html": differences,
    "tradeoff/curve_names.html": curve_names,
}
