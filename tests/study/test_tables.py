from __future__ import annotations

from pathlib import Path

import pytest

from t2ialign.study.agreement import Rating
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
