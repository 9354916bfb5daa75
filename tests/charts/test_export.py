from t2ialign.charts import standalone_html, tradeoff_figure
from tests.charts.conftest import point


def test_page_carries_its_script_and_an_escaped_title(x_metric, y_metric):
    page = standalone_html(tradeoff_figure([point(0.5, 0.5)], x_metric, y_metric), "<b>mine</b>")
    assert len(page) > 1_000_000 and "<title>&lt;b&gt;mine" in page and '<script src="http' not in page


def test_captions_stand_under_the_chart(x_metric, y_metric):
    page = standalone_html(tradeoff_figure([], x_metric, y_metric), "mine", captions=("a <base>", "another"))
    assert page.rstrip().endswith("<p>a &lt;base&gt;</p><p>another</p></body></html>")
