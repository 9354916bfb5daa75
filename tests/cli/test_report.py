"""report as a person meets it."""

from __future__ import annotations

import json
import shutil

import pytest

from t2ialign import settings

DOCS = settings.ROOT / "docs"


@pytest.mark.slow
def test_a_report_of_the_shipped_runs(run, home, tmp_path) -> None:
    out = tmp_path / "new" / "report.html"
    code, said, _ = run("report", "--store", str(home), "--out", str(out))
    assert code == 0 and said.count("\n## ") == 7 and "What is not known:" in said
    page = out.read_text(encoding="utf-8")
    assert page.count("plotly.js v") == 1 and "From CFG 1 to 8 of base" in page


@pytest.mark.slow
def test_the_document_is_what_the_shipped_runs_say(run, home, tmp_path) -> None:
    out = tmp_path / "research.md"
    shutil.copytree(DOCS / "images" / "research", tmp_path / "images" / "research")
    shutil.copy(DOCS / "research.md", out)
    code, _, _ = run("report", "--store", str(home), "--out", str(out))
    assert code == 0 and out.read_text(encoding="utf-8") == (DOCS / "research.md").read_text(encoding="utf-8"), (
        "run: PYTHONPATH=. python docs/research_figures.py && python -m t2ialign report --out docs/research.md"
    )
    shown = [line for line in out.read_text(encoding="utf-8").splitlines() if line.startswith("![")]
    assert len(shown) == len(list((DOCS / "images" / "research").iterdir())) > 5


@pytest.mark.slow
def test_json_and_bad_input(run, home, tmp_path) -> None:
    code, said, _ = run("report", "--store", str(home), "--json")
    assert code == 0 and len(json.loads(said)["sections"]) == 7
    code, _, said = run("report", "--store", str(home), "--benchmark", "mine")
    assert code == 2 and "'mine'" in said and "Traceback" not in said
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert run("report", "--store", str(home), "--out", str(blocked / "report.html"))[0] == 2
