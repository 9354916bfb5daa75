from __future__ import annotations

import csv
from pathlib import Path

import pytest

from t2ialign.study.results import results
from t2ialign.use_cases.studies.results_table import write_results
from tests.study.test_counting import said


def test_a_row_a_number(tmp_path: Path):
    votes = [
        said("ab", (4, 1), (0,), "sure", "r", "p"),
        said("ba", (2, 5), (1,), "sure", "s", "p"),
        said("ab", (3, 3), (1,), "guessing", "r", "q"),
        said("ab", (5, 2), (0,), "fairly sure", "s", "q"),
    ]
    found = results(votes)
    with write_results(found, tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    (more,) = [row for row in rows if row["what"] == "more kinds"]
    assert (more["one"], more["other"], float(more["value"]), more["answers"]) == ("a", "b", 2.25, "4")
    assert float(more["p"]) == pytest.approx(found.counting.differences[0].p)
    kinds = {row["one"]: float(row["value"]) for row in rows if row["what"] == "kinds"}
    assert kinds == {"a": 4.25, "b": 2.0}
    levels = {row["confidence"]: row["value"] for row in rows if row["what"] == "preferred" and row["confidence"]}
    assert levels == {"guessing": "0.0", "fairly sure": "1.0", "sure": "1.0"}
    assert {row["what"] for row in rows} == {
        "chosen",
        "strength",
        "preferred",
        "kinds",
        "more kinds",
        "more kinds picked",
        "alpha of kinds",
    }


def test_what_is_unknown_is_empty_and_formulas_are_texts(tmp_path: Path):
    text = write_results(results([said("=b", (4, 1))]), tmp_path / "r.csv").read_text()
    assert "nan" not in text and "'=" in text
