"""Annealed importance guidance by hand: the base early, the checkpoint late, both guided."""

from __future__ import annotations

import pytest
import torch

from t2ialign.guidance.aig import Aig
from t2ialign.guidance.cfg import Cfg
from tests.guidance.predictions import predictions
from tests.guidance.steps import step_of


@pytest.mark.parametrize(
    ("progress", "power", "expected"),
    [
        (0.5, 2.0, 8.25),  # w = 1/4: cond 3/4 + 3/2 = 2.25, uncond 1/4; 0.25 + 4 (2.25 - 0.25)
        (0.5, 1.0, 8.5),  # w = 1/2: cond 2.5, uncond 0.5
        (0.0, 1.0, 8.0),  # the base: 0 + 4 (2 - 0)
        (1.0, 4.0, 9.0),  # the checkpoint: 1 + 4 (3 - 1)
        (0.3, 0.0, 9.0),  # power 0: the checkpoint throughout
    ],
)
def test_by_hand(progress: float, power: float, expected: float):
    cond, uncond, base, base_uncond = (torch.full((1, 1, 1, 1), value) for value in (3.0, 1.0, 2.0, 0.0))
    step = step_of(cond, uncond, progress, (base, base_uncond))
    assert Aig(4.0, power).guide(step).item() == pytest.approx(expected)


def test_guidance_of_the_mixture_is_the_mixture_of_guided_predictions():
    """Each model guided for itself and then mixed comes to the same, with one scale for both."""
    cond, uncond = predictions(0)
    base = predictions(1)
    mixed = 0.7**2 * Cfg(5.0)(cond, uncond, 0.7) + (1 - 0.7**2) * Cfg(5.0)(*base, 0.7)
    torch.testing.assert_close(Aig(5.0).guide(step_of(cond, uncond, 0.7, base)), mixed)
