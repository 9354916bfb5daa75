"""Cells and points for the trade-off tests."""

from __future__ import annotations

from t2ialign.tradeoff.points import CellScore
from t2ialign.types import GenerationConfig, Interval, Metric, Prompt, TradeoffPoint, cell_key


def metric(name: str, **changes: object) -> Metric:
    record = {"title": name, "axis": "alignment", "level": "image", "needs": (), "compute": None, "bounds": (0.0, 1.0)}
    rest = {"higher_is_better": True, "unit": "", "reference": "", "summary": ""}
    return Metric(name=name, **{**record, **rest, **changes})


def cell(
    name: str, value: float, prompt: str = "a", scale: float = 4.0, version: str = "1", seeds: int = 8
) -> CellScore:
    config = GenerationConfig("shapes", guidance_scale=scale)
    interval = Interval(value, value - 0.1, value + 0.1)
    return CellScore(config, cell_key(config, Prompt(prompt)), prompt, seeds, name, version, interval)


def point(x: float, y: float) -> TradeoffPoint:
    ends = [Interval(value, value, value) for value in (x, y)]
    return TradeoffPoint(GenerationConfig("shapes"), "x", "y", *ends, 1, 1, "1", "1")
