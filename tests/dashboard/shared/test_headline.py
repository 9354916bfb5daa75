"""The two big numbers of a checkpoint, and how sure they are."""

from __future__ import annotations

import math

from t2ialign.dashboard.shared.headline import Headline, headlines
from t2ialign.metrics import METRICS
from t2ialign.types import Interval
from tests.dashboard.shared.template_samples import LOOK

X, Y = METRICS["clip_score"], METRICS["lpips"]


def test_a_number_without_an_interval_says_why():
    sure, unsure = Interval(0.5, 0.41, 0.59), Interval(0.3, math.nan, math.nan)
    page = headlines([Headline("base", LOOK, sure, unsure, 4, 4)], X, Y)
    assert "likely 0.41 to 0.59" in page and page.count("too few pictures for an interval: it takes 32") == 1
    alike = headlines([Headline("base", LOOK, sure, unsure, 32, 32)], X, Y)
    assert "too few" not in alike and "nothing varies, so no interval" in alike
    unknown = Interval(math.nan, math.nan, math.nan)
    assert "too few" not in headlines([Headline("base", LOOK, sure, unknown, 0, 4)], X, Y)
