"""The figures of docs/research.md: those of the report on the shipped runs, each as an SVG.

    PYTHONPATH=. python docs/research_figures.py && python -m t2ialign report --out docs/research.md

A minute; wants Chromium and playwright. A figure that the report has no more is deleted.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from urllib.parse import unquote

from playwright.sync_api import sync_playwright

from t2ialign import settings
from t2ialign.charts.report_page import report_html
from t2ialign.use_cases.reports.research import research
from t2ialign.use_cases.reports.research_material import ReportSubject
from t2ialign.use_cases.reports.research_page import FIGURES, figures_of
from t2ialign.use_cases.workbench import open_workbench

PLACE = settings.ROOT / "docs" / FIGURES
WIDTH, PREFIX = 900, "data:image/svg+xml,"
DRAWN = """
([number, width]) => {
    const shown = document.getElementById(`figure-${number}`);
    return Plotly.toImage(shown, {format: 'svg', width: width, height: shown.layout.height || 420});
}
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        with open_workbench(Path(folder) / "home", share=False) as bench:
            found = research(bench, ReportSubject())
        page_file = Path(folder) / "report.html"
        page_file.write_text(report_html(found), encoding="utf-8")
        PLACE.mkdir(parents=True, exist_ok=True)
        for old in PLACE.glob("*.svg"):
            old.unlink()
        with sync_playwright() as playwright:
            path = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": WIDTH, "height": 900})
            page.goto(page_file.as_uri())
            for number, (name, _) in enumerate(figures_of(found), 1):
                drawn = unquote(page.evaluate(DRAWN, [number, WIDTH]).removeprefix(PREFIX))
                (PLACE / name).write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
