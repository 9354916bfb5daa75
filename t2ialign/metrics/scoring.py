"""From features to a ``Score``: values, the batch value, its 95 % interval over seeds, and the version that made it.

An image metric's mean has Student's t interval, in Wilson's form (1927) where the metric is bounded, so that sixteen
faithful pictures of sixteen do not promise a seventeenth. A pair metric's mean is a U-statistic: its interval reaches as
far as the delete-one jackknife says and as far as a bootstrap without self-pairs does, whichever is farther, because on
sets of a few tight clusters the jackknife alone holds the truth in 80 to 90 of 100 cases. A batch metric is jackknifed by
computing it again. Below ``FEWEST`` seeds, and where nothing varies, the ends are NaN: too few to say.

What no batch can know: a kind of picture with a share below 3 / n is absent from it with a chance above 5 %, and then
nothing in the batch tells that it exists. No interval mends that, so there are none from fewer seeds than it takes to meet a
kind that every tenth picture is of.
docs/metrics.md has the measured coverage, ``python -m benchmarks.coverage`` measures it again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import torch
from jaxtyping import Float
from scipy import special
from torch import Tensor

from t2ialign.types import Features, Interval, Metric, Score

CONFIDENCE = 0.95
UNKNOWN = Interval(math.nan, math.nan, math.nan)
FEWEST = {
    "image": 2,
    "pair": 32,
    "batch": 48,
}  # seeds from which on intervals hold, kinds of one picture in ten included
DRAWS = 2000
MOST_DRAWN = 128  # seeds from which on the bootstrap adds nothing to the jackknife
NOISE = 1e-9  # relative spread below which values count as all the same


def version_of(metric: Metric, weights: Iterable[str] = ()) -> str:
    """The metric's own version and the identities (``encoder:sha``) of the weights whose features it reads."""
    return "+".join([metric.version, *sorted(set(weights))])


def score_features(metric: Metric, features: Features, weights: Iterable[str] = ()) -> Score:
    """Score one seed batch. Features that are absent give NaN values, never an error."""
    version = version_of(metric, weights)
    if any(name not in features for name in metric.needs):
        return Score(metric.name, version, metric.axis, metric.level, _unscored(metric, features), *_parts(UNKNOWN))
    values = metric.compute(features)
    found = interval(metric, values, features)
    if metric.level == "batch":
        effects = [_effects(_left_out(metric, features)).to(values)] if metric.by_seed else []
        values = torch.cat([values.reshape(1), *effects])
    return Score(metric.name, version, metric.axis, metric.level, values, *_parts(found))


def interval(metric: Metric, values: Float[Tensor, "*m"], features: Features) -> Interval:
    """The batch value with its interval over seeds, cut to the metric's bounds; NaN where there is nothing to say."""
    if metric.level == "image":
        return mean_interval(values, metric.bounds).within(metric.bounds)
    if metric.level == "pair":
        return pair_interval(values, metric.finish).within(metric.bounds)
    left_out = _left_out(metric, features)
    return batch_interval(float(values), len(left_out), left_out.tolist().__getitem__).within(metric.bounds)


def _left_out(metric: Metric, features: Features) -> Float[Tensor, " n"]:
    """A batch metric on all seeds but one, for each."""
    n = len(features[metric.needs[0]])
    rows = [torch.arange(n) != seed for seed in range(n)] if n > 1 else []
    values = [metric.compute({name: features[name][kept] for name in metric.needs}) for kept in rows]
    return torch.tensor([float(value) for value in values] or [math.nan] * n, dtype=torch.float64)


def told(level: str, seeds: int, lo: float, hi: float) -> tuple[float, float]:
    """Ends of a batch's interval, whoever computed them, as far as they may be shown: NaN from too few seeds."""
    return (lo, hi) if seeds >= FEWEST[level] else (math.nan, math.nan)


def mean_interval(values: Float[Tensor, " n"], bounds: tuple[float, float] = (-math.inf, math.inf)) -> Interval:
    """Mean over the seeds that were scored, with Student's t interval (needs two of them, and some spread).

    Between finite ``bounds`` it is Wilson's: the truth m is inside where (mean - m)^2 <= t^2 v(m) / n, and v(m) is the share
    of the largest possible variance, (m - lo)(hi - m), that the values show; all of it where every value is a bound.
    """
    known = values[~values.isnan()].double()
    n = len(known)
    if n == 0:
        return UNKNOWN
    mean, spread = float(known.mean()), float(known.std()) if n > 1 else math.nan
    low, high = bounds
    at_bound = n > 1 and spread == 0 and mean in bounds
    if math.isfinite(low) and math.isfinite(high) and low < high and (spread > 0 or at_bound):
        return _wilson(mean, spread, n, low, high)
    return _student(mean, spread / math.sqrt(n), n)


def pair_interval(
    pairs: Float[Tensor, "*m"], finish: Callable[[float], float] | None = None, fewest: int = FEWEST["pair"]
) -> Interval:
    """Mean over i != j of the pairs that were scored, with its interval over seeds, from ``fewest`` of them on.

    ``finish`` turns the mean into the metric's unit; it is applied to the mean and to both ends, which are then put
    in order.
    """
    mean = pair_mean(pairs)
    if math.isnan(mean):
        return UNKNOWN
    found = Interval(mean, math.nan, math.nan)
    effects = pair_effects(pairs)
    n = len(effects)
    if n >= fewest and not bool(effects.isnan().any()):
        error = math.sqrt(float(effects.square().sum()) / (n * (n - 1)))
        order = effects.argsort()  # whatever order the seeds come in, they are drawn alike
        drawn = _bootstrap_reach(pairs[order][:, order], mean) if n <= MOST_DRAWN else 0.0
        reach = max(_quantile(n) * error, drawn)
        if reach > NOISE * abs(mean):
            found = Interval(mean, mean - reach, mean + reach)
    return found if finish is None else _finished(found, finish)


def seed_effects(score: Score, seeds: Sequence[int]) -> dict[int, float]:
    """By how much each of its seeds moves a score's mean (before ``finish``), for ``tradeoff.interval``.

    They sum to 0, and their sum of squares / (n (n - 1)) is the mean's squared error. Unscored pictures are left out; NaN
    where it is unknown: for metrics of the whole batch whose one value does not tell (all but ``Metric.by_seed``), and for
    fewer than three pairs' seeds.
    """
    values = score.values.double()
    if score.level == "batch":
        known = values[1:].tolist()
        return dict(zip(seeds, known, strict=True)) if known else dict.fromkeys(seeds, math.nan)
    effects = pair_effects(values) if score.level == "pair" else image_effects(values)
    left_out = score.level == "image"
    return {seed: effect for seed, effect in zip(seeds, effects.tolist()) if not (left_out and math.isnan(effect))}


def image_effects(values: Float[Tensor, "*b n"]) -> Float[Tensor, "*b n"]:
    """By how much each seed moves the mean of single pictures; NaN for one that was not scored."""
    return values - values.nanmean(-1, keepdim=True)


def pair_effects(pairs: Float[Tensor, "*b n n"]) -> Float[Tensor, "*b n"]:
    """By how much each seed moves the pair mean: jackknife pseudo-values less their mean; NaN below three seeds."""
    sums, counts = _without_diagonal(pairs)
    left = counts.sum(-1, keepdim=True) - 2 * counts
    known = (left > 0).all(-1, keepdim=True) & (pairs.shape[-1] >= 3)
    return _effects((sums.sum(-1, keepdim=True) - 2 * sums) / left).masked_fill(~known, math.nan)


def pair_mean(pairs: Float[Tensor, "*m"]) -> float:
    """Mean over i != j of the pairs that were scored; NaN where there are none."""
    sums, counts = _without_diagonal(pairs)
    count = float(counts.sum())
    return float(sums.sum()) / count if count else math.nan


def batch_interval(value: float, n: int, without: Callable[[int], float], fewest: int = FEWEST["batch"]) -> Interval:
    """A statistic of the whole batch with its jackknife interval: ``without(i)`` computes it from the other seeds."""
    if n < fewest:
        return Interval(value, math.nan, math.nan)
    effects = _effects(torch.tensor([without(seed) for seed in range(n)], dtype=torch.float64))
    return _student(value, math.sqrt(float(effects.square().sum()) / (n * (n - 1))), n)


def _without_diagonal(pairs: Float[Tensor, "*b n n"]) -> tuple[Float[Tensor, "*b n"], Float[Tensor, "*b n"]]:
    """Row sums and row counts of the known pairs off the diagonal."""
    known = ~pairs.isnan() & ~torch.eye(pairs.shape[-1], dtype=torch.bool, device=pairs.device)
    return pairs.double().masked_fill(~known, 0).sum(-1), known.double().sum(-1)


def _effects(left_out: Float[Tensor, "*b n"]) -> Float[Tensor, "*b n"]:
    """(n - 1) (mean v - v_i) of the values with one seed left out: Tukey's variance is their mean square / (n - 1)."""
    return (left_out.shape[-1] - 1) * (left_out.mean(-1, keepdim=True) - left_out)


def _bootstrap_reach(pairs: Float[Tensor, "*m"], mean: float) -> float:
    """How far from ``mean`` bootstrap resamples of the seeds take it, a picture never being paired with itself.

    The quantiles are widened for small n as Hesterberg (2015, What Teachers Should Know about the Bootstrap) does.
    """
    n = len(pairs)
    known = (~pairs.isnan() & ~torch.eye(n, dtype=torch.bool, device=pairs.device)).double().cpu()
    values = pairs.double().cpu().nan_to_num() * known
    counts = _draws(n)
    drawn = ((counts @ values) * counts).sum(1) / ((counts @ known) * counts).sum(1)
    tail = float(special.ndtr(-_quantile(n) * math.sqrt(n / (n - 1))))
    ends = torch.nanquantile(drawn, torch.tensor([tail, 1 - tail], dtype=torch.float64))
    return max(mean - float(ends[0]), float(ends[1]) - mean)


@lru_cache(maxsize=32)
def _draws(n: int) -> Float[Tensor, "draws n"]:
    """How often each of n seeds is drawn: the same resamples for everyone, or intervals would change on reload."""
    drawn = torch.randint(n, (DRAWS, n), generator=torch.Generator().manual_seed(n))
    return torch.zeros(DRAWS, n, dtype=torch.float64).scatter_add_(1, drawn, torch.ones(DRAWS, n, dtype=torch.float64))


def _quantile(n: int) -> float:
    return float(special.stdtrit(n - 1, (1 + CONFIDENCE) / 2))


def _wilson(mean: float, spread: float, n: int, low: float, high: float) -> Interval:
    share = (mean - low) / (high - low)
    most = share * (1 - share)
    shown = min((spread / (high - low)) ** 2 / most, n / (n - 1)) if spread > 0 else 1.0
    width = shown * _quantile(n) ** 2 / n
    middle = (share + width / 2) / (1 + width)
    reach = math.sqrt(width * most + width**2 / 4) / (1 + width)
    return Interval(mean, low + (middle - reach) * (high - low), low + (middle + reach) * (high - low))


def _student(mean: float, error: float, n: int) -> Interval:
    """Student's interval; NaN ends where nothing varies, because a batch without spread cannot tell its own error."""
    if not error > NOISE * abs(mean):
        return Interval(mean, math.nan, math.nan)
    return Interval(mean, mean - _quantile(n) * error, mean + _quantile(n) * error)


def _finished(found: Interval, finish: Callable[[float], float]) -> Interval:
    """Both ends through ``finish``, in order; NaN ends stay NaN."""
    ends = [end if math.isnan(end) else finish(end) for end in (found.lo, found.hi)]
    return Interval(finish(found.mean), min(ends), max(ends))


def _parts(found: Interval) -> tuple[float, float, float]:
    return found.mean, found.lo, found.hi


def _unscored(metric: Metric, features: Features) -> Float[Tensor, "*m"]:
    n = len(features["images"]) if "images" in features else 0
    shape = {"image": (n,), "pair": (n, n), "batch": (1,)}[metric.level]
    return torch.full(shape, math.nan)
