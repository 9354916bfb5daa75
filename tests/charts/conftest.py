"""Points and metrics with numbers of our choosing."""

from __future__ import annotations

import pytest

from t2ialign.types import AdapterUse, GenerationConfig, Interval, Metric, TradeoffPoint


def metric(name: str, axis: str, higher_is_better: bool = True, unit: str = "share") -> Metric:
    return Metric(name, name.title(), axis, "image", (), None, (0, 1), higher_is_better, unit, "", "")


def point(x: float, y: float, scale: float = 4, adapters: tuple = (), version: str = "1", **config) -> TradeoffPoint:
    generation = GenerationConfig("shapes", guidance_scale=scale, adapters=adapters, **config)
    return TradeoffPoint(
        generation,
        "faith",
        "variety",
        Interval(x, x - 0.1, x + 0.2),
        Interval(y, y - 0.3, y + 0.4),
        24,
        16,
        version,
        version,
    )


@pytest.fixture
def x_metric() -> Metric:
    return metric("faith", "alignment")


@pytest.fixture
def y_metric() -> Metric:
    return metric("variety", "diversity")


SPO = (AdapterUse("spo"),)
