"""Metrics that are a feature as it was measured. The recipes are tested beside what measures them."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.metrics import METRICS, NAMES, ON_REQUEST
from t2ialign.metrics.readings import READINGS
from t2ialign.metrics.scoring import score_features


@pytest.mark.parametrize("name", READINGS)
def test_reads_the_feature_of_its_name(name: str) -> None:
    """Means by hand: of (0.25, 1, 0.75), of which an unscored picture is no part."""
    values = torch.tensor([0.25, 1.0, math.nan, 0.75])
    others = {other: torch.zeros(4) for other in READINGS if other != name}
    score = score_features(METRICS[name], {**others, name: values})
    torch.testing.assert_close(score.values, values, equal_nan=True)
    assert score.mean == pytest.approx(2 / 3) and (score.metric, score.version) == (name, READINGS[name].version)


def test_every_row_is_on_the_menu_under_its_name() -> None:
    assert set(READINGS) <= set(NAMES)
    assert all(METRICS[name] is metric and metric.name == name for name, metric in READINGS.items())
    assert all(metric.definition.endswith(".") for metric in READINGS.values())


def test_what_costs_the_unet_waits_to_be_asked() -> None:
    assert {name for name in READINGS if "renoise" in name} <= ON_REQUEST
