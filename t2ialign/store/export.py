"""The trade-off chart as a table: CSV for spreadsheets, Parquet for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from t2ialign.files import write_whole
from t2ialign.store.errors import in_plain_words
from t2ialign.tradeoff.points import CellScore
from t2ialign.types import GenerationConfig, InputError, TradeoffPoint

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run when a text begins with it


def tamed(value: Any) -> Any:
    """A value for a CSV: a text that a spreadsheet would run gets an apostrophe before it, which ``untamed`` takes away."""
    return f"'{value}" if isinstance(value, str) and value.lstrip("'").startswith(FORMULA) else value


def untamed(value: Any) -> Any:
    """Inverse of ``tamed``."""
    return value[1:] if isinstance(value, str) and value.startswith("'") and tamed(value[1:]) == value else value


Row = dict[str, Any]


def point_rows(points: Iterable[TradeoffPoint]) -> list[Row]:
    """One row a point of the chart: the two intervals with their versions, and the whole config."""
    return [
        {
            "checkpoint": point.config.checkpoint,
            "guidance_scale": point.config.guidance_scale,
            "x_metric": point.x_metric,
            "x": point.x.mean,
            "x_lo": point.x.lo,
            "x_hi": point.x.hi,
            "x_version": point.x_version,
            "y_metric": point.y_metric,
            "y": point.y.mean,
            "y_lo": point.y.lo,
            "y_hi": point.y.hi,
            "y_version": point.y_version,
            "prompts": point.prompts,
            "seeds": point.seeds,
            "notes": " ".join(counted_notes(point)),
        }
        | _config_columns(point.config)
        for point in points
    ]


def counted_notes(point: TradeoffPoint) -> list[str]:
    """A point's notes, each with the number of its cells that it is about."""
    return [f"{cells} of {point.prompts} prompts: {note}" for note, cells in point.notes]


def score_rows(scores: Iterable[CellScore]) -> list[Row]:
    """One row a cell and metric: what the points are made of."""
    return [
        {
            "checkpoint": score.config.checkpoint,
            "guidance_scale": score.config.guidance_scale,
            "prompt": score.prompt,
            "cell": score.cell,
            "seeds": score.seeds,
            "metric": score.metric,
            "version": score.version,
            "value": score.value.mean,
            "lo": score.value.lo,
            "hi": score.value.hi,
            "notes": " ".join(score.notes),
        }
        | _config_columns(score.config)
        for score in scores
    ]


def write_table(rows: Sequence[Row], path: Path) -> Path:
    """Write rows as ``.csv`` or ``.parquet``, by the file's suffix. Texts that look like formulas are quoted in CSV."""
    if path.suffix not in (".csv", ".parquet"):
        raise InputError(f"A table is written as .csv or .parquet, not as {path.suffix or path.name!r}.")
    if not rows:
        raise InputError("There is nothing to export: generate and score some pictures, or loosen the filters.")
    buffer = pa.BufferOutputStream()
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(
            pa.Table.from_pylist([{name: tamed(value) for name, value in row.items()} for row in rows]), buffer
        )
    else:
        pq.write_table(pa.Table.from_pylist(list(rows)), buffer)
    with in_plain_words(path.parent):
        write_whole(path, buffer.getvalue().to_pybytes())
    return path


def _config_columns(config: GenerationConfig) -> Row:
    columns = config.to_json()
    columns |= {"adapters": json.dumps(columns["adapters"]), "guidance_params": json.dumps(columns["guidance_params"])}
    return {"config": config.key} | columns
