"""The audit's heat map and its report: every number in its cell, and nothing fetched from elsewhere."""

from __future__ import annotations

import re

import pytest

from t2ialign.charts.audit import audit_figure
from t2ialign.charts.audit_page import HEADINGS, QUESTIONS, audit_html
from t2ialign.tradeoff.audit import Audit, MetricAudit
from t2ialign.tradeoff.audit_table import table
from t2ialign.types import Interval
from t2ialign.use_cases.audit.audit import shipped_audit
from tests.dashboard.outline import EVIL, Outline


def test_every_answer_stands_in_its_cell() -> None:
    found = table(shipped_audit(), "diversity")
    heat = audit_figure(found).data[0]
    assert [list(row) for row in heat.text] == [[cell.text for cell in row.cells] for row in found.rows]
    assert len(heat.x) == len(found.columns) and len(heat.y) == len(set(heat.y)) == len(found.rows)
    known = [value for row in heat.z for value in row if value is not None]
    assert min(known) >= 0 and max(known) <= 1


def test_light_and_dark_differ_and_nothing_is_an_empty_chart() -> None:
    found = table(shipped_audit(), "alignment")
    light, dark = (audit_figure(found, theme).data[0].colorscale for theme in (False, True))
    assert light != dark
    assert "Nothing has been audited" in audit_figure(table(Audit("", {}, ()), "diversity")).layout.annotations[0].text


@pytest.mark.slow
def test_hostile_text_stays_text() -> None:
    metrics = [MetricAudit(EVIL, EVIL, axis, "pair", truth={EVIL: Interval(0.1, 0, 0.2)}) for axis in HEADINGS]
    page = audit_html(Audit(EVIL, {EVIL: EVIL}, tuple(metrics)))
    found = Outline(re.sub(r"<script.*?</script>", "", page, flags=re.S))
    assert not [tag for tag, attrs in found.tags if any(key.startswith("on") for key in attrs)]
    assert found.text.count(EVIL) == 10 and "img" not in [tag for tag, _ in found.tags]
    assert page.count("<script") == page.count("</script>"), "no text ended a script"


@pytest.mark.slow
def test_the_report_is_one_file_that_needs_no_network() -> None:
    audit = shipped_audit()
    page = audit_html(audit)
    outside = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    assert not re.search(r"(?:src|href)=[\"']?https?:", outside)
    assert page.count("plotly.js v") >= 1 and page.count("<h2>") == 3
    for entry in audit.metrics:
        assert entry.metric in outside
    assert all(question in outside for question in QUESTIONS)
