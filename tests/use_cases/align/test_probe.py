"""The fixed batch: its change since the start, prompt by prompt."""

from __future__ import annotations

import math

import pytest

from t2ialign.codec import decode, encode
from t2ialign.types import Interval
from t2ialign.use_cases.align.probe import Probe, PromptScores, change

WIDE = Interval(0.5, 0.0, 1.0)


def probe_at(step: int, *values: float, metric: str = "oracle_alignment") -> Probe:
    """Prompts with these values on the first axis, and twice as much on the second."""
    scores = tuple(PromptScores(f"prompt {place}", value, 2 * value) for place, value in enumerate(values))
    return Probe(step, metric, WIDE, "lpips", WIDE, None, (), scores)


def test_what_prompts_share_drops_out():
    """Differences 0.1, 0.1 and 0.16: mean 0.12, standard error 0.02, Student's 4.30265 at two degrees of freedom."""
    start, now = probe_at(0, 0.2, 0.5, 0.8), probe_at(50, 0.3, 0.6, 0.96)
    for axis, times in (("alignment", 1), ("diversity", 2)):
        found = change(start, now, axis)
        assert found is not None
        assert (found.mean, found.lo, found.hi) == pytest.approx(
            (0.12 * times, 0.03395 * times, 0.20605 * times), abs=1e-5
        )
    assert change(start, start, "alignment") == Interval(0.0, 0.0, 0.0)


def test_where_nothing_can_be_compared_there_is_no_change():
    start = probe_at(0, 0.2, 0.5)
    assert change(start, probe_at(50, 0.3, 0.6, metric="clip_score"), "alignment") is None
    assert change(probe_at(0, 0.2), probe_at(50, 0.3, metric="gone"), "alignment") is None
    assert change(start, probe_at(50), "alignment") is None
    assert change(start, probe_at(50, math.nan, math.nan), "alignment") is None


def test_records_of_earlier_versions_are_read():
    record = encode(probe_at(3))
    assert "by_prompt" not in record
    assert decode(Probe, record, "cannot be read") == probe_at(3)
    assert decode(Probe, encode(probe_at(3, 0.5)), "cannot be read") == probe_at(3, 0.5)
