"""The report's page: text stays text, plotly.js is there once, nothing comes from elsewhere."""

from __future__ import annotations

import re

import pytest

from t2ialign.charts.report_page import report_html
from t2ialign.tradeoff.audit_table import AuditTable
from t2ialign.tradeoff.doses import PRESSURES, responses
from t2ialign.tradeoff.front_band import edge, knee
from t2ialign.tradeoff.frontier import DosePoint, PathCost
from t2ialign.tradeoff.relations import over_checkpoints
from t2ialign.tradeoff.research import Change, Changes, Costs, Doses, Finding, Gap, Plane, Research, Section
from t2ialign.types import Interval
from tests.charts.conftest import point
from tests.dashboard.outline import EVIL, Outline
from tests.tradeoff.tables import cells, config

NAMES = ("oracle_alignment", "factor_diversity")
SOME = Interval(0.1, 0.0, 0.2)
SCRIPT = re.compile(r"<script.*?</script>", re.S)


def drawn() -> list:
    rows = [[0.1 * row + column / 100 for column in range(9)] for row in range(6)]
    configs = [*(config(scale=float(scale)) for scale in range(1, 6)), config(EVIL, 8.0)]
    table = cells(configs, {NAMES[0]: rows, NAMES[1]: rows[::-1]})
    first, second = table.metrics
    path = PathCost(EVIL, (DosePoint(EVIL, SOME, SOME),), 24, SOME, None)
    best = edge(table, first, second)
    return [
        Plane(
            *NAMES,
            (point(0.1, 0.2), point(0.3, 0.1, 8.0)),
            edge=edge(table, first, second),
            knee=knee(table, first, second),
        ),
        Changes(NAMES[1], "change", (Change(EVIL, SOME, True), Change("b", SOME, False))),
        Doses(tuple(responses(table, second, PRESSURES[0]))),
        Costs("style_minimal", NAMES[1], (path,), 0.6),
        over_checkpoints(table),
        best,
        AuditTable((), (), ()),
    ]


@pytest.fixture(scope="module")
def page() -> str:
    exhibits = tuple(Finding(EVIL, EVIL, one, EVIL) for one in drawn())
    sections = (Section("a", EVIL, exhibits, (Gap(EVIL, EVIL), Gap("No command."))), Section("b", "Nothing?"))
    return report_html(Research(EVIL, (EVIL,), sections), EVIL)


@pytest.mark.slow
def test_hostile_text_stays_text(page: str) -> None:
    found = Outline(SCRIPT.sub("", page))
    assert not [tag for tag, attrs in found.tags if any(key.startswith("on") for key in attrs)]
    assert "x" not in [attrs.get("src") for _, attrs in found.tags] and "49" not in found.text.replace(EVIL, "")
    assert EVIL in found.text
    assert page.count("<script") == page.count("</script>") == 1 + len(drawn()), "no text ended a script"


@pytest.mark.slow
def test_it_is_one_file_that_needs_no_network(page: str) -> None:
    outside = SCRIPT.sub("", page)
    assert not re.search(r"(?:src|href)=[\"']?https?:", outside)
    assert page.count("plotly.js v") == 1 and outside.count('class="plotly-graph-div"') == len(drawn())


def test_a_report_without_figures_carries_no_plotly() -> None:
    page = report_html(Research("T", ("S.",), (Section("a", "Q?", unknown=(Gap("G.", "cmd"),)),)))
    assert "plotly.js v" not in page and "What is not known" in page and "<code>cmd</code>" in page
