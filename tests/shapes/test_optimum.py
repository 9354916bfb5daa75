"""The exact optimum against Gaussians, whose tilts are known in closed form."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.shapes.annotator import TASTES
from t2ialign.shapes.grammar import parse
from t2ialign.shapes.optimum import kl_to_reference, mean_distance, optima, tilted, win_rate
from t2ialign.types import InputError

N = 4001


def gaussian() -> torch.Tensor:
    """A standard normal as its quantiles: no noise of drawing."""
    grid = (torch.arange(N, dtype=torch.float64) + 0.5) / N
    return math.sqrt(2) * torch.erfinv(2 * grid - 1)


def normal_cdf(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


@pytest.mark.parametrize("strength", [0.0, 0.3, 0.8])
def test_a_linear_taste_shifts_a_gaussian_and_does_not_narrow_it(strength: float) -> None:
    """N(0, 1) tilted by exp(s x) is N(s, 1): KL s^2/2, win rate Phi(s / sqrt 2), the spread 2 / sqrt(pi) as before."""
    x = gaussian()
    weights = tilted(x, strength)
    assert kl_to_reference(weights) == pytest.approx(strength**2 / 2, abs=2e-3)
    assert win_rate(weights, x) == pytest.approx(normal_cdf(strength / math.sqrt(2)), abs=2e-3)
    assert float(mean_distance(weights, (x[:, None] - x[None]).abs())) == pytest.approx(
        2 / math.sqrt(math.pi), rel=5e-3
    )


@pytest.mark.parametrize("strength", [0.5, 2.0])
def test_an_ideal_point_narrows_a_gaussian(strength: float) -> None:
    """N(0, 1) tilted by exp(-s x^2) is N(0, 1 / (1 + 2s)): the spread shrinks by 1 / sqrt(1 + 2s)."""
    x = gaussian()
    weights = tilted(-x.square(), strength)
    narrowed = 1 / (1 + 2 * strength)
    assert float(mean_distance(weights, (x[:, None] - x[None]).abs())) == pytest.approx(
        2 / math.sqrt(math.pi) * math.sqrt(narrowed), rel=5e-3
    )
    assert kl_to_reference(weights) == pytest.approx(0.5 * (narrowed - 1 - math.log(narrowed)), abs=3e-3)


def test_ties_count_half() -> None:
    assert win_rate(torch.tensor([0.5, 0.5]).double(), torch.tensor([1.0, 1.0])) == 0.5
    assert win_rate(torch.tensor([0.0, 1.0]).double(), torch.tensor([0.0, 1.0])) == 0.75


@pytest.mark.slow
def test_in_the_world_a_linear_taste_keeps_its_diversity_and_an_ideal_point_does_not() -> None:
    spec = parse("a red circle")
    (world, sunny) = optima(spec, TASTES["sunny"], (0.0, 0.5))
    minimal = optima(spec, TASTES["minimal"], (0.5,))[0]
    assert world.kl == pytest.approx(0, abs=1e-9) and world.win_rate == 0.5
    assert all(ratio == pytest.approx(1) for ratio in world.diversity.values())
    assert set(world.diversity) == {"background", "gradient", "place", "size"}  # a circle has no tilt
    assert sunny.win_rate > 0.6 and minimal.win_rate > 0.6
    assert sunny.utility_gain > 0.2 and minimal.utility_gain > 0.2
    for group in ("background", "gradient", "place"):
        assert minimal.diversity[group] < min(0.95, sunny.diversity[group])


def test_a_strength_beyond_what_the_scenes_can_tell_is_refused() -> None:
    with pytest.raises(InputError, match="effective scenes"):
        optima(parse("a red circle"), TASTES["minimal"], (1e4,))
