"""The best that any tuning of a checkpoint could do for a judge: its own pictures, reweighted by exp(s u).

Among all policies at one KL divergence from a reference, the one of highest expected utility is the reference tilted by
exp(u / beta) (``shapes.optimum``). For any checkpoint, judge and diversity that tilt can be estimated from its own pictures:
weights of a softmax over the seeds of each prompt. It says what a win rate must cost at least, while the trained
checkpoints say what it did cost. It cannot say it far out, where few pictures carry all the weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.metrics.factor_diversity import ENTRIES
from t2ialign.seeds import is_own
from t2ialign.shapes.optimum import kl_to_reference, mean_distance, tilted, win_rate
from t2ialign.store import Filters
from t2ialign.tradeoff.interval import mean_interval
from t2ialign.types import Features, InputError, Interval, Metric
from t2ialign.use_cases.batches.scoring import features_of
from t2ialign.use_cases.workbench import Workbench

FEWEST_PICTURES = 32  # a prompt, below which a tilt by them says little
FEWEST_EFFECTIVE = 10.0  # pictures that carry the weight (Kish), on average over prompts
STRENGTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2)


@dataclass(frozen=True)
class Tilt:
    """The tilt of one ``strength``: 1/beta times the judge's standard deviation within a prompt. ``kl`` in nats.

    ``change``: of diversity, as a share of the untilted pictures'. ``effective``: pictures of a prompt that carry the weight.
    """

    strength: float
    prompts: int
    kl: float
    win_rate: Interval
    change: Interval
    effective: float


@dataclass(frozen=True)
class Sample:
    """One prompt's pictures: the judge's values, and by group the distances of each thing with the pictures that show it."""

    utilities: Float[Tensor, " n"]
    groups: Sequence[Sequence[tuple[Float[Tensor, "n n"], Bool[Tensor, " n"]]]]


def tilts(bench: Workbench, checkpoint: str, judge: str, diversity: str, guidance_scale: float) -> list[Tilt]:
    """The tilts of a checkpoint's stored pictures at one CFG, weakest first, as far as they can be told.

    Raises:
        InputError: a diversity without distances between two pictures, or too few stored pictures a prompt.
    """
    samples = list(_samples(bench, checkpoint, METRICS[judge], METRICS[diversity], guidance_scale))
    if not samples:
        raise InputError(
            f"The best policy is read off at least {FEWEST_PICTURES} pictures a prompt of {checkpoint} at CFG "
            f"{guidance_scale:g}: `sweep --checkpoint {checkpoint} --guidance-scales {guidance_scale:g} --seeds own:64` first."
        )
    scale = float(torch.stack([sample.utilities.var() for sample in samples]).mean().sqrt())
    found = []
    for strength in STRENGTHS:
        tilt = _tilt(samples, strength, strength / scale)
        if tilt.effective < FEWEST_EFFECTIVE:
            break
        found.append(tilt)
    return found


def _samples(bench: Workbench, checkpoint: str, judge: Metric, diversity: Metric, scale: float) -> Iterator[Sample]:
    sign = 1 if judge.higher_is_better else -1
    for cell in store.list_cells(bench.store, Filters(checkpoints=(checkpoint,))):
        if cell.config.guidance_scale != scale or len(cell.seeds) < FEWEST_PICTURES:
            continue
        own = tuple(seed for seed in cell.seeds if is_own(cell.prompt, seed))
        seeds = own if len(own) >= FEWEST_PICTURES else cell.seeds
        batch = store.load_batch(bench.store, cell.config, cell.prompt, seeds)
        scorers = bench.registry().backbones[cell.config.backbone].scorers
        encoders = bench.scorers_for(scorers, (judge.name, diversity.name))[1]
        features = features_of(batch.images, cell.prompt, encoders)
        values = sign * judge.compute(features).double()
        yield Sample(values, _groups(diversity, features))


def _groups(diversity: Metric, features: Features) -> list[list[tuple[Tensor, Tensor]]]:
    """What the diversity is a mean distance of; means are taken over things first, then over groups."""
    if diversity.level == "pair":
        pairs = diversity.compute(features).double()
        return [[(pairs.nan_to_num(), torch.ones(len(pairs), dtype=torch.bool))]]
    if not set(diversity.needs) <= set(ENTRIES):
        raise InputError(f"{diversity.name} is no mean of distances, so nothing is known of it under other weights.")
    named = [features[entry].double() for entry in diversity.needs]
    return [[_thing(units) for units in group.unbind(1)] for group in named if group.shape[1]]


def _thing(units: Float[Tensor, "n k"]) -> tuple[Tensor, Tensor]:
    shown = ~units.isnan().any(1)
    return torch.cdist(units.nan_to_num(), units.nan_to_num()), shown


def _tilt(samples: Sequence[Sample], strength: float, factor: float) -> Tilt:
    changes, rates, kls, effective = [], [], [], []
    for sample in samples:
        even, weights = tilted(sample.utilities, 0), tilted(sample.utilities, factor)
        before, after = (_spread(sample.groups, one) for one in (even, weights))
        changes.append(after / before - 1)
        rates.append(win_rate(weights, sample.utilities))
        kls.append(kl_to_reference(weights))
        effective.append(float(1 / weights.square().sum()))
    known = [change for change in changes if change == change]
    return Tilt(
        strength,
        len(samples),
        sum(kls) / len(kls),
        mean_interval(rates),
        mean_interval(known),
        sum(effective) / len(effective),
    )


def _spread(groups: Sequence[Sequence[tuple[Tensor, Tensor]]], weights: Float[Tensor, " n"]) -> float:
    """Mean over groups of the mean over things of the weighted mean distance between two pictures that show it."""
    means = []
    for group in groups:
        things = [_weighted(distances, shown, weights) for distances, shown in group if int(shown.sum()) > 1]
        if things:
            means.append(sum(things) / len(things))
    return sum(means) / len(means) if means else float("nan")


def _weighted(distances: Tensor, shown: Tensor, weights: Tensor) -> float:
    kept = weights[shown]
    return float(mean_distance(kept / kept.sum(), distances[shown][:, shown]))
