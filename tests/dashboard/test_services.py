"""Colours by the order in which checkpoints were met, however many are."""

from __future__ import annotations

import pytest

from t2ialign.dashboard import services as module


@pytest.mark.slow
def test_however_many_were_shown_each_has_a_colour_and_few_are_remembered(services, monkeypatch):
    monkeypatch.setattr(module, "MOST_MET", 5)
    for number in range(9):
        blends = [f"base@0.{number}", "base"]
        assert set(blends) <= services.palette(blends).keys()
    assert len(services.met) == 5
    assert services.palette(["base"])["base"] == services.palette()["base"]
