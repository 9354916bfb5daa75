"""A run that stops by itself when its pictures have grown too much alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from t2ialign.types import Interval
from t2ialign.use_cases.align.probe import Probe
from t2ialign.use_cases.align.stopping import NarrowingRule


def probe(step: int, diversity: float) -> Probe:
    some = Interval(0.5, 0.4, 0.6)
    return Probe(step, "clip_score", some, "lpips", replace(some, mean=diversity), None, ())


def test_it_stops_once_more_than_that_share_is_lost_and_remembers(tmp_path: Path) -> None:
    rule = NarrowingRule(20, tmp_path)
    assert rule.look(probe(0, 0.5)) is None and rule.look(probe(10, 0.401)) is None and rule.halted() is None
    found = rule.look(probe(20, 0.399))
    assert found is not None and found.step == 20 and "LPIPS of the fixed batch had fallen by 20 %" in found.reason
    assert NarrowingRule(20, tmp_path).halted() == found, "also after a restart"


@pytest.mark.parametrize(("percent", "now"), [(0, 0.0), (20, 0.9), (20, float("nan"))])
def test_it_goes_on_where_nothing_was_lost_or_nobody_asked(tmp_path: Path, percent: float, now: float) -> None:
    rule = NarrowingRule(percent, tmp_path)
    rule.look(probe(0, 0.5))
    assert rule.look(probe(5, now)) is None
