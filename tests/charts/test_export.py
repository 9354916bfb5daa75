import shutil

import pytest

from t2ialign.charts import standalone_html, tradeoff_figure
from tests.charts.conftest import point


def test_page_carries_its_script_and_an_escaped_title(x_metric, y_metric):
    page = standalone_html(tradeoff_figure([point(0.5, 0.5)], x_metric, y_metric), "<b>mine</b>")
    assert len(page) > 1_000_000 and "<title>&lt;b&gt;mine" in page and '<script src="http' not in page


@pytest.mark.e2e
@pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium here")
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (380, True)])
def test_chart_draws_in_a_browser_without_a_network(tmp_path, x_metric, y_metric, width: int, dark: bool):
    """Every point is on screen, inside the window, with no error, no request and no button that uploads."""
    from playwright.sync_api import sync_playwright

    figure = tradeoff_figure([point(0.5, 0.8, 1), point(0.7, 0.6), point(0.9, 0.3, 8)], x_metric, y_metric, dark=dark)
    (tmp_path / "chart.html").write_text(standalone_html(figure, "Trade-off", dark))
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 600})
        errors, requests = [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto((tmp_path / "chart.html").as_uri())
        page.wait_for_selector(".scatterlayer .point")
        boxes = [box.bounding_box() for box in page.locator(".scatterlayer .trace:last-of-type .point").all()]
        points = page.locator(".scatterlayer .point").count()
        sideways = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        buttons = page.locator(".modebar-btn").evaluate_all("all => all.map(b => b.dataset.title)")
        browser.close()
    assert errors == [] and [url for url in requests if not url.startswith("file:")] == []
    assert points == 6 and not sideways  # three points and their halos on the front
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    assert not [title for title in buttons if "loud" in title or "hare" in title]
