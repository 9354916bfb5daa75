"""A chart that left the app as one HTML file, opened from the disk."""

from __future__ import annotations

import pytest

from t2ialign.charts import standalone_html, tradeoff_figure
from tests.charts.conftest import metric, point


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (380, True)])
def test_chart_draws_without_a_network(browser, tmp_path, width: int, dark: bool):
    """Every point is on screen, inside the window, with no error, no request and no button that uploads."""
    points = [point(0.5, 0.8, 1), point(0.7, 0.6), point(0.9, 0.3, 8)]
    figure = tradeoff_figure(points, metric("faith", "alignment"), metric("variety", "diversity"), dark=dark)
    (tmp_path / "chart.html").write_text(standalone_html(figure, "Trade-off", dark))
    page = browser.new_page(viewport={"width": width, "height": 600})
    errors, requests = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto((tmp_path / "chart.html").as_uri())
    page.wait_for_selector(".scatterlayer .point")
    boxes = [box.bounding_box() for box in page.locator(".scatterlayer .trace:nth-of-type(2) .point").all()]
    sideways = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    buttons = page.locator(".modebar-btn").evaluate_all("all => all.map(b => b.dataset.title)")
    assert errors == [] and [url for url in requests if not url.startswith("file:")] == []
    traces = [trace.locator(".point").count() for trace in page.locator(".scatterlayer .trace").all()]
    assert traces[:3] == [3, 3, 5] and not any(traces[3:]) and not sideways  # halos, points, the path with its heads
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    assert not [title for title in buttons if "loud" in title or "hare" in title]
    page.close()
