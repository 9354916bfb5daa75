from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from t2ialign.store import point_rows, score_rows, write_table
from t2ialign.tradeoff.points import CellScore
from t2ialign.types import AdapterUse, GenerationConfig, InputError, Interval, TradeoffPoint

CONFIG = GenerationConfig("tiny", adapters=(AdapterUse("a", 0.5),), negative_prompt='=HYPERLINK("x")')
POINT = TradeoffPoint(
    CONFIG,
    "clip_score",
    "lpips",
    Interval(0.25, 0.125, 0.5),
    Interval(1, math.nan, math.nan),
    3,
    48,
    "1",
    "2",
    ("a", "b", "c"),
    (("It is long.", 2), ("It has marks.", 1)),
)
CELL = CellScore(
    CONFIG,
    "cell",
    "-1 red circles",
    16,
    "lpips",
    "1",
    Interval(0.5, 0.25, 0.75),
    notes=("It is long.", "It has marks."),
)
READ = {".csv": pd.read_csv, ".parquet": pd.read_parquet}


@pytest.mark.parametrize("suffix", READ)
def test_points_can_be_read_by_pandas(tmp_path: Path, suffix: str):
    path = write_table(point_rows([POINT, POINT]), tmp_path / f"points{suffix}")
    table = READ[suffix](path)
    assert len(table) == 2
    first = table.iloc[0]
    assert (first["checkpoint"], first["guidance_scale"], first["config"]) == ("a@0.5", 4.0, CONFIG.key)
    assert (first["x_metric"], first["x"], first["x_lo"], first["x_hi"]) == ("clip_score", 0.25, 0.125, 0.5)
    assert math.isnan(first["y_lo"])
    assert (first["prompts"], first["seeds"], str(first["y_version"])) == (3, 48, "2")
    assert "0.5" in first["adapters"]
    assert first["notes"] == "2 of 3 prompts: It is long. 1 of 3 prompts: It has marks."


@pytest.mark.parametrize(("suffix", "prompt"), [(".csv", "'-1 red circles"), (".parquet", "-1 red circles")])
def test_cells_and_formulas(tmp_path: Path, suffix: str, prompt: str):
    row = READ[suffix](write_table(score_rows([CELL]), tmp_path / f"cells{suffix}")).iloc[0]
    assert (row["prompt"], row["metric"], row["value"]) == (prompt, "lpips", 0.5)
    assert row["notes"] == "It is long. It has marks."
    assert row["negative_prompt"].startswith("'=" if suffix == ".csv" else "=")


def test_bad_requests_are_sentences(tmp_path: Path):
    with pytest.raises(InputError, match="as .csv or .parquet"):
        write_table(point_rows([POINT]), tmp_path / "points.xlsx")
    with pytest.raises(InputError, match="nothing to export"):
        write_table([], tmp_path / "points.csv")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is not a folder"):
        write_table(point_rows([POINT]), tmp_path / "file" / "points.csv")
