"""report as a person meets it."""

from __future__ import annotations

import json

import pytest


@pytest.mark.slow
def test_a_report_of_the_shipped_runs(run, home, tmp_path) -> None:
    out = tmp_path / "new" / "report.html"
    code, said, _ = run("report", "--store", str(home), "--out", str(out))
    assert code == 0 and said.count("\n## ") == 6 and "What is not known:" in said
    page = out.read_text(encoding="utf-8")
    assert page.count("plotly.js v") == 1 and "From CFG 1 to 8 of base" in page


@pytest.mark.slow
def test_json_and_bad_input(run, home, tmp_path) -> None:
    code, said, _ = run("report", "--store", str(home), "--json")
    assert code == 0 and len(json.loads(said)["sections"]) == 6
    code, _, said = run("report", "--store", str(home), "--benchmark", "mine")
    assert code == 2 and "'mine'" in said and "Traceback" not in said
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert run("report", "--store", str(home), "--out", str(blocked / "report.html"))[0] == 2
