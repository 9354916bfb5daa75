"""Strategies beside plain guidance of the same alignment, by hand."""

from __future__ import annotations

import pytest

from t2ialign.metrics import METRICS
from t2ialign.tradeoff.comparison import PairedScore
from t2ialign.tradeoff.strategies import matched_strategies
from t2ialign.types import GenerationConfig

X, Y = METRICS["oracle_alignment"], METRICS["factor_diversity"]
PLAIN = {1.0: (0.2, 0.9), 2.0: (0.4, 0.8), 4.0: (0.6, 0.6), 8.0: (0.5, 0.3)}


def config(scale: float, guidance: str = "cfg", **change) -> GenerationConfig:
    return GenerationConfig("shapes", guidance=guidance, guidance_scale=scale, **change)


def rows(policy: GenerationConfig, aligned: float, varied: float, scales=tuple(PLAIN), **change) -> list[PairedScore]:
    """A strategy on three prompts, which lie 0.1 apart on either metric and on either side alike."""
    return [
        PairedScore(
            policy,
            config(scale, **change),
            f"prompt {number}",
            8,
            metric.name,
            "1",
            value + number / 10 + (0.01 * (number - 1) if metric is Y else 0),
            PLAIN[scale][axis] + number / 10,
        )
        for scale in scales
        for number in range(3)
        for axis, (metric, value) in enumerate(((X, aligned), (Y, varied)))
    ]


@pytest.mark.parametrize(
    ("aligned", "scale", "plain_y", "gap_x"),
    [
        (0.5, 3.0, 0.7, 0.0),  # half way from CFG 2 to 4; CFG 8 is as aligned, and less varied
        (0.35, 1.75, 0.825, 0.0),  # three quarters from 1 to 2
        (0.6, 4.0, 0.6, 0.0),
        (0.7, 4.0, 0.6, 0.1),  # beyond all of them: the most aligned stands in
        (0.1, 1.0, 0.9, -0.1),
    ],
)
def test_by_hand(aligned: float, scale: float, plain_y: float, gap_x: float):
    (one,) = matched_strategies(rows(config(4.0, "aig"), aligned, 0.75), X, Y, METRICS)
    assert (one.y.policy.guidance, one.y.base.guidance) == ("aig", "cfg")
    assert one.y.base.guidance_scale == pytest.approx(scale)
    assert one.x.difference.mean == pytest.approx(gap_x)
    assert one.y.difference.mean == pytest.approx(0.75 - plain_y)
    assert one.y.difference.lo < one.y.difference.mean < one.y.difference.hi  # of -0.01, 0 and 0.01 about it
    assert (one.y.prompts, one.y.family) == (3, 1)


def test_only_plain_guidance_of_the_same_settings_counts():
    """Another strategy or another number of steps is no yardstick; what has none is left out."""
    found = rows(config(4.0, "cads"), 0.5, 0.75)
    assert matched_strategies(rows(config(4.0, "cads"), 0.5, 0.75, num_inference_steps=50), X, Y, METRICS) == []
    assert matched_strategies(rows(config(4.0, "cads"), 0.5, 0.75, guidance="apg"), X, Y, METRICS) == []
    both = matched_strategies([*found, *rows(config(2.0, "cads"), 0.4, 0.75)], X, Y, METRICS)
    assert [one.y.policy.guidance_scale for one in both] == [4.0, 2.0] and {one.y.family for one in both} == {2}


def test_prompts_that_not_every_plain_scale_has_are_left_out():
    found = rows(config(4.0, "aig"), 0.5, 0.75)
    found = [row for row in found if not (row.prompt == "prompt 2" and row.base.guidance_scale == 2.0)]
    (one,) = matched_strategies(found, X, Y, METRICS)
    assert one.y.prompts == 2
