import re

import pytest
from jinja2 import UndefinedError

from t2ialign.charts import standalone_html, tradeoff_figure
from t2ialign.charts.export import ENVIRONMENT, render
from tests.charts.conftest import point
from tests.dashboard.outline import EVIL, Outline

SCRIPT = re.compile(r"<script.*?</script>", re.S)


@pytest.mark.slow
def test_hostile_text_stays_text(x_metric, y_metric):
    page = standalone_html(tradeoff_figure([point(0.5, 0.5)], x_metric, y_metric).update_layout(title=EVIL), EVIL)
    found = Outline(SCRIPT.sub("", page))
    assert not [tag for tag, attrs in found.tags if any(key.startswith("on") for key in attrs)]
    assert found.text.count(EVIL) == 2 and "img" not in [tag for tag, _ in found.tags]
    assert page.count("<script") == page.count("</script>"), "no text ended a script"


def test_a_forgotten_value_is_an_error():
    with pytest.raises(UndefinedError, match="'title' is undefined"):
        render("chart.html", chart="", dark=False)


def test_every_template_escapes_what_it_prints():
    names = ENVIRONMENT.list_templates()
    assert names == ["audit.html", "chart.html", "report.html"], (
        "a new one has its sample of hostile text in tests/charts"
    )
    for name in names:
        source = ENVIRONMENT.loader.get_source(ENVIRONMENT, name)[0]
        assert "safe" not in source and "autoescape" not in source


def test_page_carries_its_script_and_an_escaped_title(x_metric, y_metric):
    page = standalone_html(tradeoff_figure([point(0.5, 0.5)], x_metric, y_metric), "<b>mine</b>")
    assert len(page) > 1_000_000 and "<title>&lt;b&gt;mine" in page and '<script src="http' not in page


def test_captions_stand_under_the_chart(x_metric, y_metric):
    page = standalone_html(tradeoff_figure([], x_metric, y_metric), "mine", captions=("a <base>", "another"))
    assert page.rstrip().endswith("<p>a &lt;base&gt;</p><p>another</p></body></html>")
