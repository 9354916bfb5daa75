"""The exact optimum of preference tuning in the embedded world: its own distribution, tilted by a taste.

Among all policies at one KL divergence from a reference p, the one of highest expected utility is p(x) exp(s u(x)) / Z
(Rafailov et al. 2023, arXiv:2305.18290, eq. 4, with s = 1/beta). The renderer's distribution and the taste are both known
here, so what any method could have reached at most, at which loss of diversity, can be computed: no method of any objective
with that KL does better. Expectations are over self-normalised importance weights on drawn scenes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

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
    free factors, the mean over its things of the mean distance between two scenes, in units of the world's own for that
    thing (1 = unchanged), as the metrics ``factor_<group>`` have it. ``effective_scenes``: Kish's effective sample size.
    """

    strength: float
    kl: float
    utility_gain: float
    win_rate: float
    diversity: Mapping[str, float]
    effective_scenes: float

    @property
    def factor_diversity(self) -> float:
        """The metric of that name: the mean over groups."""
        return sum(self.diversity.values()) / len(self.diversity)


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


def mean_distance(weights: Float[Tensor, "*s n"], distances: Float[Tensor, "n n"]) -> Float[Tensor, "*s"]:
    """Expected distance between two independent tilted samples (a sample is not paired with itself)."""
    return ((weights @ distances) * weights).sum(-1) / (1 - weights.square().sum(-1))


def optima(spec: SceneSpec, taste: Taste, strengths: Sequence[float], seed: int = 0) -> tuple[Optimum, ...]:
    """The optimum at each strength for one prompt; 0 is the world itself.

    Raises:
        InputError: a strength that leaves fewer than ``FEWEST`` effective scenes, so that nothing is known there.
    """
    found = _optima(spec, taste, tuple(strengths), seed)
    for one in found:
        if one.effective_scenes < FEWEST:
            raise InputError(
                f"A strength of {one.strength:g} leaves {one.effective_scenes:.0f} effective scenes of {SCENES}: "
                "choose a smaller one."
            )
    return found


def known_optima(spec: SceneSpec, taste: Taste, strengths: Sequence[float], seed: int = 0) -> tuple[Optimum, ...]:
    """The optima that can be estimated: strengths in rising order, up to the last with ``FEWEST`` effective scenes."""
    found = _optima(spec, taste, tuple(strengths), seed)
    return tuple(takewhile(lambda one: one.effective_scenes >= FEWEST, found))


@lru_cache(maxsize=256)
def _optima(spec: SceneSpec, taste: Taste, strengths: tuple[float, ...], seed: int) -> tuple[Optimum, ...]:
    scenes = scenes_of(spec, SCENES, torch.Generator().manual_seed(seed))
    reading, slots = from_factors(scenes), torch.arange(len(spec.objects)).expand(SCENES, -1)
    utilities = taste.style(reading, slots)
    weights = torch.stack([tilted(utilities, strength) for strength in (0, *strengths)])
    factors = free_factors(reading, spec, slots, torch.ones_like(slots, dtype=torch.bool))
    spread = {group: _spread(weights, things) for group, things in factors.items() if things.shape[1]}
    return tuple(
        Optimum(
            strength,
            kl_to_reference(weights[row]),
            float((weights[row] * utilities).sum() - utilities.double().mean()),
            win_rate(weights[row], utilities),
            {group: float(ratios[row]) for group, ratios in spread.items()},
            float(1 / weights[row].square().sum()),
        )
        for row, strength in enumerate(strengths, 1)
    )


def _spread(weights: Float[Tensor, "s n"], things: Float[Tensor, "n u k"]) -> Float[Tensor, " s"]:
    """Mean over things of the mean distance under each row of weights, as a share of that under the first."""
    each = [mean_distance(weights, torch.cdist(thing, thing).double()) for thing in things.unbind(1)]
    return torch.stack([means / means[0] for means in each]).mean(0)
