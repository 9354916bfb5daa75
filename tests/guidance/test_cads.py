"""Condition-annealed sampling: the schedule by hand, the noised prompt against numpy, row by row."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from t2ialign.guidance.cads import Cads


@pytest.mark.parametrize(
    ("progress", "gamma"), [(0.0, 0.0), (0.1, 0.0), (0.25, 0.5), (0.34, 0.8), (0.4, 1.0), (1.0, 1.0)]
)
def test_schedule_by_hand(progress: float, gamma: float):
    """tau1 0.6, tau2 0.9 and t = 1 - progress: (0.9 - t) / 0.3 between them."""
    assert Cads().gamma(progress) == pytest.approx(gamma)


def drawn() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    return 3 + 2 * torch.randn(4, 5, 6, generator=draw), torch.randn(4, 5, 6, generator=draw)


@pytest.mark.parametrize("mixing", [1.0, 0.4, 0.0])
def test_against_numpy(mixing: float):
    embeds, noise = drawn()
    ours = Cads(4.0, 0.25, 0.6, 0.9, mixing).condition(embeds, noise, 0.25)
    for row, clean, drawn_noise in zip(ours.numpy(), embeds.double().numpy(), noise.double().numpy(), strict=True):
        noised = math.sqrt(0.5) * clean + 0.25 * math.sqrt(0.5) * drawn_noise
        again = (noised - noised.mean()) / np.std(noised, ddof=1) * np.std(clean, ddof=1) + clean.mean()
        np.testing.assert_allclose(row, mixing * again + (1 - mixing) * noised, rtol=2e-5, atol=2e-5)


def test_nothing_of_the_prompt_at_first_and_all_of_it_later():
    embeds, noise = drawn()
    early = Cads().condition(embeds, noise, 0.05)
    for row, drawn_noise in zip(early, noise, strict=True):
        assert torch.corrcoef(torch.stack([row.flatten(), drawn_noise.flatten()]))[0, 1] > 0.9999
    assert Cads().condition(embeds, noise, 0.5) is embeds
    assert Cads(noise_scale=0.0).condition(embeds, noise, 0.0) is embeds


def test_an_empty_prompt_of_zeros_stays_one():
    """SDXL's: without spread there is none to bring the noise to."""
    zeros = torch.zeros(2, 5, 6)
    assert not Cads().condition(zeros, drawn()[1][:2], 0.2).any()
