"""The exact optimum of preference tuning in the embedded world: its own distribution, tilted by a taste.

Among all policies at one KL divergence from a reference p, the one of highest expected utility is p(x) exp(s u(x)) / Z
(Rafailov et al. 2023, arXiv:2305.18290, eq. 4, with s = 1/beta). The renderer's distribution and the taste are both known
here, so what any method could have reached at most, at which loss of diversity, can be computed: no method of any objective
with that KL does better. Expectations are over self-normalised importance weights on drawn scenes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.shapes.annotator import Taste
from t2ialign.shapes.grammar import SceneSpec
from t2ialign.shapes.oracle import free_factors, from_factors, scenes_of
from t2ialign.types import InputError

SCENES = 2048
FEWEST = 50.0  # effective scenes below which the weights rest on too few of them


@dataclass(frozen=True)
class Optimum:
    """What the policy tilted by ``strength`` = 1/beta has, beside the world's own scenes of one prompt.

    ``kl`` in nats. ``win_rate``: how often its picture has the higher utility, ties half. ``diversity``: by group of
    free factors, the mean distance between two of its scenes, in units of the world's own (1 = unchanged).
    ``effective_scenes``: Kish's effective sample size of the weights.
    """

    strength: float
    kl: float
    utility_gain: float
    win_rate: float
    diversity: Mapping[str, float]
    effective_scenes: float


def tilted(utilities: Float[Tensor, " n"], strength: float) -> Float[Tensor, " n"]:
    """Weights of samples of p under p exp(strength u) / Z, summing to 1."""
    return (strength * utilities.double()).softmax(0)


def kl_to_reference(weights: Float[Tensor, " n"]) -> float:
    """KL(tilted || p) in nats, from weights on samples of p."""
    return float((weights * (weights * len(weights)).clamp(min=1e-300).log()).sum())


def win_rate(weights: Float[Tensor, " n"], utilities: Float[Tensor, " n"]) -> float:
    """Chance that a tilted sample has a higher utility than one of p, ties counted half."""
    order = utilities.sort().values
    beaten = torch.searchsorted(order, utilities) + torch.searchsorted(order, utilities, right=True)
    return float(weights @ (beaten / (2 * len(utilities))).double())


def mean_distance(weights: Float[Tensor, " n"], distances: Float[Tensor, "n n"]) -> float:
    """Expected distance between two independent tilted samples (a sample is not paired with itself)."""
    return float(weights @ distances @ weights / (1 - weights.square().sum()))


def optima(spec: SceneSpec, taste: Taste, strengths: Sequence[float], seed: int = 0) -> tuple[Optimum, ...]:
    """The optimum at each strength for one prompt; 0 is the world itself.

    Raises:
        InputError: a strength that leaves fewer than ``FEWEST`` effective scenes, so that nothing is known there.
    """
    scenes = scenes_of(spec, SCENES, torch.Generator().manual_seed(seed))
    reading, slots = from_factors(scenes), torch.arange(len(spec.objects)).expand(SCENES, -1)
    factors = free_factors(reading, spec, slots, torch.ones_like(slots, dtype=torch.bool))
    distances = {
        group: [torch.cdist(thing, thing).double() for thing in things.unbind(1)] for group, things in factors.items()
    }
    utilities = taste.style(reading, slots)
    world = _spread(tilted(utilities, 0), distances)
    return tuple(_optimum(strength, utilities, distances, world) for strength in strengths)


def _optimum(
    strength: float,
    utilities: Float[Tensor, " n"],
    distances: Mapping[str, Sequence[Float[Tensor, "n n"]]],
    world: Mapping[str, float],
) -> Optimum:
    weights = tilted(utilities, strength)
    effective = float(1 / weights.square().sum())
    if effective < FEWEST:
        raise InputError(
            f"A strength of {strength:g} leaves {effective:.0f} effective scenes of {len(utilities)}: choose a smaller one."
        )
    spread = _spread(weights, distances)
    return Optimum(
        strength,
        kl_to_reference(weights),
        float((weights * utilities).sum() - utilities.double().mean()),
        win_rate(weights, utilities),
        {group: spread[group] / world[group] for group in world},
        effective,
    )


def _spread(weights: Float[Tensor, " n"], distances: Mapping[str, Sequence[Float[Tensor, "n n"]]]) -> dict[str, float]:
    """By group that has something free, the mean distance over its things."""
    return {
        group: sum(mean_distance(weights, thing) for thing in things) / len(things)
        for group, things in distances.items()
        if things
    }
