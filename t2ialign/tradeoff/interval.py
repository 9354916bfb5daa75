"""Intervals over a prompt set: prompts are the clusters, and seeds that several prompts share are clusters too.

A checkpoint's value is the mean over prompts of its per-prompt values m_p. Where every prompt has seeds of its own, the
prompts are independent and their spread says everything: variance s^2(m_p) / P. Where prompts share seeds they are not (the
seed alone decides most of a background), so the mean covariance of two prompts' values is added: two-way clusters, prompt
by seed, V_prompt + V_seed - V_both of Cameron, Gelbach and Miller (2011), with the small-sample factors that make it the
unbiased estimate of a balanced crossed design. A negative estimate of that covariance counts as none. Student's t has
Satterthwaite's degrees of freedom, (V_p + C)^2 / (V_p^2 / (P - 1) + C^2 / (S - 1)) for S shared seeds.

Sharing is read off the seeds themselves. With a single prompt there is nothing to average: the interval then is the one that
its score came with (over seeds), and speaks about that prompt alone. Coverage: docs/metrics.md.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy import special

from t2ialign.types import InputError, Interval

CONFIDENCE = 0.95
RESAMPLES = 2000
ALIKE = 1e-12  # a variance of shares that rounding makes
SEED = 20_26  # the same bootstrap draws for everyone: an interval must not change when the page is reloaded

Effects = Mapping[int, float]
"""{seed: by how much it moves the prompt's value}, summing to 0 (``metrics.scoring.seed_effects``); NaN where unknown."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error and the degrees of freedom of Student's t; a NaN error is an unknown one."""

    mean: float
    error: float
    df: float

    @property
    def interval(self) -> Interval:
        """The 95 % interval; NaN ends where the error is unknown."""
        margin = quantile(self.df) * self.error
        return Interval(self.mean, self.mean - margin, self.mean + margin)

    @property
    def p(self) -> float:
        """The two-sided p-value of a true mean of 0; NaN where the error is unknown."""
        if self.error == 0:
            return float(self.mean == 0)
        return float(2 * special.stdtr(self.df, -abs(self.mean) / self.error))


@dataclass(frozen=True)
class Moments:
    """What an estimate needs of ``n`` prompts' values, whoever adds them up: their mean and variance s^2 (NaN below two).

    ``together`` is the mean covariance of two prompts' values through the ``shared`` seeds (``covariance``).
    """

    n: int
    mean: float
    variance: float
    together: float = 0.0
    shared: int = 0

    @property
    def estimate(self) -> Estimate:
        if self.n < 2:
            return Estimate(self.mean, math.nan, math.nan)
        own = self.variance / self.n
        if not self.together:
            return Estimate(self.mean, math.sqrt(own), self.n - 1.0)
        both = own + self.together
        df = both**2 / (own**2 / (self.n - 1) + self.together**2 / max(self.shared - 1, 1))
        return Estimate(self.mean, math.sqrt(both), df)


@lru_cache(maxsize=8)  # the same for every chart of a set, and much of its time
def resamples(things: int) -> Float[np.ndarray, "r t"]:
    """How often each of so many things is in each bootstrap resample; the first has everything once. It is read-only."""
    rows = np.random.default_rng(SEED).multinomial(things, np.full(things, 1 / things), size=RESAMPLES)
    weights: np.ndarray = np.concatenate([np.ones((1, things)), rows.astype(float)])
    weights.flags.writeable = False
    return weights


def quantile(df: float) -> float:
    """Half an interval in standard errors, by Student's t; ``scipy.stats.t.ppf`` gives the same a hundred times slower."""
    return float(special.stdtrit(df, (1 + CONFIDENCE) / 2))


def over_prompts(
    cells: Sequence[Interval], finish: Callable[[float], float] | None = None, effects: Sequence[Effects] = ()
) -> Interval:
    """Mean over prompts with its interval; ``cells`` holds one prompt's interval (over seeds) each, NaN = not scored.

    ``finish`` is a metric's own (1 / u for effective numbers), its own inverse: values are taken back before they are
    averaged and turned again afterwards, because the mean of inverses is not the inverse of the mean. ``effects`` belong to
    the cells one by one, in the unit before ``finish``; without them every prompt has seeds of its own.
    """
    known = [index for index, cell in enumerate(cells) if not math.isnan(cell.mean)]
    if len(known) < 2:
        return cells[known[0]] if known else Interval(math.nan, math.nan, math.nan)
    values = [finish(cells[index].mean) if finish else cells[index].mean for index in known]
    return turned(estimate(values, [effects[index] for index in known] if effects else ()).interval, finish)


def turned(found: Interval, finish: Callable[[float], float] | None) -> Interval:
    """An interval over values taken back, in the metric's unit again."""
    if finish is None:
        return found
    ends = (finish(end if math.isnan(end) else max(end, 0.0)) for end in (found.lo, found.hi))
    return Interval(finish(found.mean), *sorted(ends))


def estimate(values: Sequence[float], effects: Sequence[Effects] = ()) -> Estimate:
    """Mean of prompts' values with its error: of independent prompts, or with ``effects`` of prompts that may share seeds."""
    return moments(values, effects).estimate


def moments(values: Sequence[float], effects: Sequence[Effects] = ()) -> Moments:
    """What ``estimate`` needs of the values."""
    data = np.asarray(values, dtype=float)
    if len(data) < 2:
        return Moments(len(data), float(data[0]) if len(data) else math.nan, math.nan)
    return Moments(len(data), float(data.mean()), float(data.var(ddof=1)), *covariance(effects))


def covariance(effects: Sequence[Effects]) -> tuple[float, int]:
    """The mean covariance of two prompts' values through the seeds that they share, at least 0, and how many those are.

    NaN where prompts share seeds whose effects are unknown, or one seed each: then there is nothing to learn it from.
    """
    by_seed: dict[int, list[float]] = defaultdict(list)
    for prompt in effects:
        n = len(prompt)
        scale = 1 / math.sqrt(n * (n - 1)) if n > 1 else math.nan
        for seed, effect in prompt.items():
            by_seed[seed].append(scale * effect)
    shared = [np.array(found) for found in by_seed.values() if len(found) > 1]
    products = sum(float(found.sum() ** 2 - (found**2).sum()) for found in shared)
    if math.isnan(products):
        return math.nan, len(shared)
    return max(products, 0.0) / max(len(effects) * (len(effects) - 1), 1), len(shared)


def share_interval(found: Moments) -> Interval:
    """Of prompts' shares, each 0 to 1: their mean with an interval that is never without width.

    Wilson's at the effective number of answers m (1 - m) / (s^2 / P), with Student's quantile (as ``study.shares``). Where all
    P prompts are alike, the chance q that another one is not is at most 1 - 0.025^(1 / P) (Clopper and Pearson), and that
    one's share lies anywhere: m (1 - q) to m (1 - q) + q. NaN ends below two prompts, or where the spread is unknown.
    """
    mean, count = found.mean, found.n
    if count < 2 or math.isnan(found.variance):
        return Interval(mean, math.nan, math.nan)
    if found.variance <= ALIKE:
        other = 1 - ((1 - CONFIDENCE) / 2) ** (1 / count)
        return Interval(mean, mean * (1 - other), mean * (1 - other) + other)
    plain, error = mean * (1 - mean), found.variance / count
    worth = quantile(count - 1.0) ** 2 * error / plain
    centre, reach = mean + worth / 2, math.sqrt(worth * (plain + worth / 4))
    return Interval(mean, (centre - reach) / (1 + worth), (centre + reach) / (1 + worth)).within((0.0, 1.0))


def estimate_behind(found: Interval, df: float) -> Estimate:
    """The estimate whose 95 % interval this is, for records that kept no p-value."""
    return Estimate(found.mean, (found.hi - found.mean) / quantile(df), df)


def bootstrap_p(draws: Float[np.ndarray, " r"]) -> float:
    """The two-sided p-value of 0 by a bootstrap's known draws: twice the share on the side of 0 where fewer lie.

    One is added to both counts (Davison and Hinkley 1997, eq. 4.11), so that no p-value is 0; NaN without draws.
    """
    if not len(draws):
        return math.nan
    fewer = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    return min(2 * (fewer + 1) / (len(draws) + 1), 1.0)


def mean_interval(values: Sequence[float]) -> Interval:
    """Mean of independent values with Student's 95 % interval."""
    return estimate(values).interval


def paired_difference(
    policy: Mapping[str, float], base: Mapping[str, float], effects: Mapping[str, Effects] | None = None
) -> Estimate:
    """How much ``policy`` exceeds ``base`` on the prompts that both have: {prompt: value}, same seeds on both sides.

    The prompts' own difficulty drops out of every difference, which is why this interval is the one to quote for two
    checkpoints. ``effects`` are those on the differences (``difference_of``). NaN marks a prompt that was not scored.

    Raises:
        InputError: no prompt was scored on both sides.
    """
    known = [key for key in policy if key in base and not math.isnan(policy[key] - base[key])]
    if not known:
        raise InputError("The two checkpoints share no scored prompt; run both on the same prompts and seeds first.")
    return estimate([policy[key] - base[key] for key in known], [effects[key] for key in known] if effects else ())


def difference_of(policy: Effects, base: Effects) -> dict[int, float]:
    """The seeds' effects on a difference of two values on the same seeds."""
    return {seed: effect - base.get(seed, math.nan) for seed, effect in policy.items()}
