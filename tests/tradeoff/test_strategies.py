"""Strategies beside plain guidance of the same alignment: by hand, by loops over draws and by numerical derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from t2ialign.metrics import METRICS
from t2ialign.tradeoff.comparison import PairedScore
from t2ialign.tradeoff.interval import RESAMPLES, SEED
from t2ialign.tradeoff.strategies import matched_strategies
from t2ialign.types import AdapterUse, GenerationConfig, InputError

X, Y = METRICS["oracle_alignment"], METRICS["factor_diversity"]
PLAIN = {1.0: (0.2, 0.9), 2.0: (0.4, 0.8), 4.0: (0.6, 0.6), 8.0: (0.5, 0.3)}
PROMPTS = 9
Values = Callable[[str, int], float]


def config(scale: float, guidance: str = "cfg", **change) -> GenerationConfig:
    return GenerationConfig("shapes", guidance=guidance, guidance_scale=scale, **change)


def rows(
    policy: GenerationConfig, aligned: float, varied: float, scales=tuple(PLAIN), prompts: int = PROMPTS, **change
) -> list[PairedScore]:
    """A strategy on prompts that lie 0.1 apart on either metric and on either side; its diversity 0.01 more so."""
    return [
        PairedScore(
            policy,
            config(scale, **change),
            f"prompt {number}",
            8,
            metric.name,
            "1",
            value + number / 10 + (0.01 * (number - (prompts - 1) / 2) if metric is Y else 0),
            PLAIN[scale][axis] + number / 10,
        )
        for scale in scales
        for number in range(prompts)
        for axis, (metric, value) in enumerate(((X, aligned), (Y, varied)))
    ]


MIDDLE = (PROMPTS - 1) / 20  # the prompts' mean of what they differ by


@pytest.mark.parametrize(
    ("aligned", "scale", "plain_y", "gap_x"),
    [
        (0.5, 3.0, 0.7, 0.0),  # half way from CFG 2 to 4; CFG 8 is as aligned, and less varied
        (0.35, 1.75, 0.825, 0.0),  # three quarters from 1 to 2
        (0.6, 4.0, 0.6, 0.0),
        (0.7, 4.0, 0.6, 0.1),  # beyond all of them: the most aligned stands in
    ],
)
def test_by_hand(aligned: float, scale: float, plain_y: float, gap_x: float):
    (one,) = matched_strategies(rows(config(4.0, "aig"), aligned, 0.75), X, Y)
    assert (one.policy.guidance, one.run, one.training_seeds) == ("aig", "base", 1)
    assert one.plain_scale == pytest.approx(scale) and one.plain_y == pytest.approx(plain_y + MIDDLE)
    assert one.x_gap == pytest.approx(gap_x) and one.y_gap.mean == pytest.approx(0.75 - plain_y)
    assert one.x.mean == pytest.approx(aligned + MIDDLE) and one.y.mean == pytest.approx(0.75 + MIDDLE)
    assert one.y_gap.lo < one.y_gap.mean < one.y_gap.hi
    assert (one.prompts, one.family) == (PROMPTS, 1)


def test_of_what_is_less_aligned_than_all_nothing_is_said():
    (one,) = matched_strategies(rows(config(4.0, "aig"), 0.1, 0.95), X, Y)
    assert all(map(math.isnan, (one.plain_scale, one.plain_y, one.x_gap, one.y_gap.mean, one.p)))
    assert not one.stands and one.family == 0 and one.y.mean == pytest.approx(0.95 + MIDDLE)


def test_a_single_plain_scale_stands_in_for_what_it_is_not_better_than():
    (one,) = matched_strategies(rows(config(4.0, "aig"), 0.7, 0.75, scales=(4.0,)), X, Y)
    assert (one.plain_scale, one.x_gap) == (4.0, pytest.approx(0.1)) and one.y_gap.mean == pytest.approx(0.15)
    (worse,) = matched_strategies(rows(config(4.0, "aig"), 0.5, 0.75, scales=(4.0,)), X, Y)
    assert math.isnan(worse.y_gap.mean)


def test_few_prompts_have_no_interval():
    (one,) = matched_strategies(rows(config(4.0, "aig"), 0.5, 0.75, prompts=7), X, Y)
    assert one.y_gap.mean == pytest.approx(0.05) and math.isnan(one.y_gap.lo) and math.isnan(one.p)


def test_only_plain_guidance_of_the_same_settings_counts():
    """Another strategy, another number of steps or another file of the same name is no yardstick; what has none is left out."""
    found = rows(config(4.0, "cads"), 0.5, 0.75)
    assert matched_strategies(rows(config(4.0, "cads"), 0.5, 0.75, num_inference_steps=50), X, Y) == []
    assert matched_strategies(rows(config(4.0, "cads"), 0.5, 0.75, guidance="apg"), X, Y) == []
    mine = config(4.0, "cads", adapters=(AdapterUse("mine", 1.0, "a"),))
    assert matched_strategies(rows(mine, 0.5, 0.75, adapters=(AdapterUse("mine", 1.0, "b"),)), X, Y) == []
    both = matched_strategies([*found, *rows(config(2.0, "cads"), 0.4, 0.75)], X, Y)
    assert [one.policy.guidance_scale for one in both] == [4.0, 2.0] and {one.family for one in both} == {2}


def test_prompts_that_not_every_plain_scale_has_are_left_out():
    found = rows(config(4.0, "aig"), 0.5, 0.75)
    found = [row for row in found if not (row.prompt == "prompt 2" and row.base.guidance_scale == 2.0)]
    (one,) = matched_strategies(found, X, Y)
    assert one.prompts == PROMPTS - 1


def test_versions_are_not_mixed():
    found = rows(config(4.0, "aig"), 0.5, 0.75)
    with pytest.raises(InputError, match=r"factor_diversity was scored by different versions \(1 and 2\)"):
        matched_strategies([*found, *(replace(row, version="2") for row in found if row.metric == Y.name)], X, Y)


def test_effective_numbers_are_matched_where_they_are_averaged():
    """Their means are harmonic, and a mean of differences has no meaning."""
    counts = METRICS["u_rke"]
    found = [replace(row, metric=counts.name) if row.metric == Y.name else row for row in noisy(8)]
    (one,) = matched_strategies(found, X, counts)
    values = {row.prompt: row.policy_value for row in found if row.metric == counts.name}
    assert one.y.mean == pytest.approx(len(values) / sum(1 / value for value in values.values()))
    assert math.isnan(one.y_gap.mean) and one.family == 0


def noisy(prompts: int, seed: int = 0, run: str = "", shift: float = 0.0, gap: float = 0.05) -> list[PairedScore]:
    """A strategy that is ``gap`` more varied than plain guidance of its alignment, on prompts that differ."""
    chance = np.random.default_rng(seed)
    adapters = (AdapterUse(run, 1.0, run),) if run else ()
    hard = chance.normal(0, 0.1, (2, prompts))
    cells = {
        scale: np.array(PLAIN[scale])[:, None] + shift + hard + chance.normal(0, 0.03, (2, prompts)) for scale in PLAIN
    }
    ours = np.array([0.5, 0.7 + gap])[:, None] + shift + hard + chance.normal(0, 0.03, (2, prompts))
    return [
        PairedScore(
            config(4.0, "aig", adapters=adapters),
            config(scale, adapters=adapters),
            f"prompt {number}",
            8,
            metric.name,
            "1",
            float(ours[axis, number]),
            float(cells[scale][axis, number]),
        )
        for scale in PLAIN
        for number in range(prompts)
        for axis, metric in enumerate((X, Y))
    ]


def gap_of(found: Sequence[PairedScore], weights: dict[tuple[str, str], float]) -> float:
    """The gap at matched alignment in plain loops, each cell of a run and a prompt with its weight."""

    def mean(metric: str, scale: float, policy: bool) -> float:
        part = [row for row in found if row.metric == metric and row.base.guidance_scale == scale]
        shares = [weights.get((row.policy.checkpoint, row.prompt), 0.0) for row in part]
        values = [row.policy_value if policy else row.base_value for row in part]
        return sum(share * value for share, value in zip(shares, values, strict=True)) / sum(shares)

    scales = sorted({row.base.guidance_scale for row in found})
    target, varied = (mean(metric.name, scales[0], policy=True) for metric in (X, Y))
    curve = [(mean(X.name, scale, policy=False), mean(Y.name, scale, policy=False)) for scale in scales]
    for (x0, y0), (x1, y1) in zip(curve, curve[1:], strict=False):
        if min(x0, x1) <= target <= max(x0, x1):
            return varied - (y0 + (target - x0) / (x1 - x0) * (y1 - y0))
    return varied - max(curve)[1] if target > max(curve)[0] else math.nan


def test_the_interval_resamples_prompts_and_looks_for_the_place_anew():
    """The first of the same draws by loops, and the interval by all of the draws within a percentile's reach."""
    found = noisy(8)
    (one,) = matched_strategies(found, X, Y)
    draws = np.random.default_rng(SEED).integers(8, size=(RESAMPLES, 8))
    gaps = []
    for draw in draws[:400]:
        counts = {("base", f"prompt {number}"): float((draw == number).sum()) for number in range(8)}
        gaps.append(gap_of(found, counts))
    lo, hi = np.quantile(gaps, [0.025, 0.975])
    assert one.y_gap.mean == pytest.approx(gap_of(found, {("base", f"prompt {number}"): 1.0 for number in range(8)}))
    spread = one.y_gap.hi - one.y_gap.lo
    assert one.y_gap.lo == pytest.approx(lo, abs=0.15 * spread) and one.y_gap.hi == pytest.approx(hi, abs=0.15 * spread)


def test_several_training_seeds_are_crossed_clusters():
    """Each cell's share in the gap is the slope of the gap in its weight (the influence function), by small differences."""
    names = ("a", "a-seed1", "a-seed2")
    found = [row for seed, name in enumerate(names) for row in noisy(9, seed, name, shift=0.01 * seed)]
    (one,) = matched_strategies(found, X, Y, run_of=lambda name: name.partition("-")[0])
    assert (one.run, one.training_seeds, one.prompts, one.family) == ("a", 3, 9, 1)
    keys = [(name, f"prompt {number}") for name in names for number in range(9)]
    even = dict.fromkeys(keys, 1.0)
    whole = gap_of(found, even)
    assert one.y_gap.mean == pytest.approx(whole)
    step = 1e-6
    cells = np.array([whole + len(keys) * (gap_of(found, even | {key: 1 + step}) - whole) / step for key in keys])
    cells = cells.reshape(3, 9)
    between, within = cells.mean(1).var(ddof=1) / 3, cells.mean(0).var(ddof=1) / 9
    rest = (cells - cells.mean(0) - cells.mean(1)[:, None] + cells.mean()).var() * 27 / 16 / 27
    error = (one.y_gap.hi - one.y_gap.mean) / 4.302653  # Student's t of two degrees of freedom
    assert error**2 == pytest.approx(within + max(between - rest, 0.0), rel=1e-4)


def test_of_two_training_seeds_no_interval_is_given():
    found = [row for seed, name in enumerate(("a", "a-seed1")) for row in noisy(9, seed, name)]
    (one,) = matched_strategies(found, X, Y, run_of=lambda name: name.partition("-")[0])
    assert one.training_seeds == 2 and math.isnan(one.y_gap.lo) and math.isfinite(one.y_gap.mean)
    assert len(matched_strategies(found, X, Y)) == 2, "by their own names they are two runs"


@pytest.mark.slow
def test_intervals_hold_the_truth():
    """24 prompts, as the shipped set has; the place is not known to the interval. About 95 of 100."""
    held = 0
    for seed in range(200):
        (one,) = matched_strategies(noisy(24, seed), X, Y)
        held += one.y_gap.lo <= 0.05 <= one.y_gap.hi
    assert held >= 180
