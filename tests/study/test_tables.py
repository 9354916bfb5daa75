from __future__ import annotations

from pathlib import Path

import pytest

from t2ialign.study.agreement import Rating, agreement
from t2ialign.study.strengths import Duel
from t2ialign.study.tables import read_duels, read_ratings
from t2ialign.types import InputError


def write(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_ratings(tmp_path: Path):
    path = write(tmp_path, "\ufeffrater, unit ,Answer\nann,1,yes\nbob,1,\n\nbob,2, no \n")
    assert read_ratings(path) == [Rating("1", "ann", "yes"), Rating("2", "bob", "no")]


def test_duels(tmp_path: Path):
    path = write(tmp_path, 'left,right,outcome,rater\n"a, b",c,LEFT,r1\nc,"a, b",tie,r2\n')
    assert read_duels(path) == [Duel("a, b", "c", "left", "r1"), Duel("c", "a, b", "tie", "r2")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column left"),
        ("left,right\na,b\n", "no column outcome"),
        ("left,right,outcome\n", "no rows"),
        ("left,right,outcome\na,b,draw\n", "Line 2.*not 'draw'"),
        ("left,right,outcome\na,a,left\n", "two different names"),
        ("left,right,outcome\na,b\n", "2 values for 3 columns"),
    ],
)
def test_bad_tables_are_refused_in_a_sentence(tmp_path: Path, text: str, said: str):
    with pytest.raises(InputError, match=said):
        read_duels(write(tmp_path, text))


def test_unreadable_files(tmp_path: Path):
    with pytest.raises(InputError, match="check the path"):
        read_ratings(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00unit")
    with pytest.raises(InputError, match="UTF-8"):
        read_ratings(tmp_path / "binary.csv")
    with pytest.raises(InputError, match="no unit or no rater"):
        read_ratings(write(tmp_path, "unit,rater,answer\n,x,1\n"))


@pytest.mark.parametrize("marker", ["", "NA", "n/a", "nan", "NaN", "None", "null", "<NA>"])
def test_markers_of_a_missing_answer_are_no_answers(tmp_path: Path, marker: str):
    """The three raters agree wherever they answer: alpha is 1 with seven answers, whoever wrote the file."""
    rows = [("1", "a", "x"), ("1", "b", "x"), ("1", "c", marker), ("2", "a", "y"), ("2", "b", "y"), ("2", "c", "y")]
    rows += [("3", "a", "x"), ("3", "b", marker), ("3", "c", "x")]
    path = write(tmp_path, "unit,rater,answer\n" + "\n".join(map(",".join, rows)))
    said: list[str] = []
    found = agreement(read_ratings(path, said.append))
    assert (found.alpha.mean, found.answers) == (1.0, 7)
    assert len(said) == 1 and said[0].startswith("2 of 9 rows of table.csv have no answer")


def test_one_number_is_one_answer_and_one_rater(tmp_path: Path):
    """pandas writes whole numbers as 1.0 as soon as one is missing."""
    path = write(tmp_path, "unit,rater,answer\n1,7,1\n1,8.0,1.0\n2,7.0,2.50\n2,8,2.5\n3,7,v1.0\n")
    assert read_ratings(path) == [
        Rating("1", "7", "1"),
        Rating("1", "8", "1"),
        Rating("2", "7", "2.5"),
        Rating("2", "8", "2.5"),
        Rating("3", "7", "v1.0"),
    ]


def test_comparisons_without_an_outcome_are_left_out_and_said(tmp_path: Path):
    path = write(tmp_path, "left,right,outcome,rater,prompt\na,b,left,NA,nan\na,b,NA,r,p\nnone,b,right,1.0,p\n")
    said: list[str] = []
    assert read_duels(path, said.append) == [Duel("a", "b", "left"), Duel("none", "b", "right", "1", "p")]
    assert said[0].startswith("1 of 3 rows of table.csv have no outcome")
