"""Semantic-aware guidance: regions, rates and smoothing by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from t2ialign.guidance.cfg import Cfg
from t2ialign.guidance.needs import AttentionMap
from t2ialign.guidance.s_cfg import SCfg, rates, regions, smoothed, spread
from t2ialign.types import InputError
from tests.guidance.predictions import predictions
from tests.guidance.steps import step_of


def maps(prompt: Tensor, empty: Tensor) -> tuple[AttentionMap, ...]:
    """A layer whose cells attend to themselves alone, and to these tokens ([y x l]) with a prompt and without."""
    said = torch.stack([empty.flatten(0, 1), prompt.flatten(0, 1)])
    own = torch.eye(said.shape[1]).expand(2, -1, -1)
    return AttentionMap(False, own), AttentionMap(True, said)


def halves(left: int, right: int, tokens: int = 4, side: int = 4) -> Tensor:
    """The left half attends to one token, the right half to another."""
    found = torch.full((side, side, tokens), 0.01)
    found[:, : side // 2, left] = found[:, side // 2 :, right] = 0.9
    return found


def test_regions_of_two_halves():
    tokens, foreground = regions(maps(halves(1, 2), halves(0, 3)), (16, 16))
    assert tokens[0, 1, :, :8].all() and tokens[0, 2, :, 8:].all() and tokens.sum() == 256
    assert foreground[0, 0, :, 8:].all() and not foreground[0, 0, :, :8].any()


def test_rates_by_hand():
    """Strength 5 (3 and 4) in one region, 10 in the other, which is the foreground: rates 10 / 5 and 1."""
    tokens = torch.zeros(1, 2, 2, 2)
    tokens[0, 0, :, 0] = tokens[0, 1, :, 1] = 1
    difference = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1).repeat(1, 1, 2, 2)
    difference[..., 1] *= 2
    expected = torch.tensor([[2.0, 1.0], [2.0, 1.0]])[None, None]
    torch.testing.assert_close(rates(difference, tokens, tokens[:, 1:]), expected)


def test_the_weaker_half_is_guided_more_within_limits():
    cond, uncond = predictions(n=1)
    difference = cond - uncond
    difference[..., :4] *= 0.01  # would be raised a hundredfold: cut to 3, and to 15 / 7.5 = 2
    step = replace(step_of(uncond + difference, uncond), attention=maps(halves(1, 2, side=2), halves(0, 3, side=2)))
    rate = (SCfg(7.5).guide(step) - uncond) / (7.5 * difference)
    torch.testing.assert_close(rate[..., :3], torch.full_like(rate[..., :3], 2.0), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(rate[..., 5:], torch.ones_like(rate[..., 5:]), rtol=1e-3, atol=1e-3)
    assert 1 < rate[..., 3:5].mean() < 2  # smoothed where they meet
    low = (SCfg(2.0).guide(step) - uncond) / (2.0 * difference)
    torch.testing.assert_close(low[..., :3], torch.full_like(low[..., :3], 3.0), rtol=1e-3, atol=1e-3)


def test_as_much_everywhere_is_plain_guidance():
    cond, uncond = predictions()
    even = uncond + torch.ones_like(uncond)
    torch.testing.assert_close(
        SCfg(5.0).guide(step_of(even, uncond)), Cfg(5.0)(even, uncond, 0.5), rtol=1e-4, atol=1e-4
    )


def test_spread_and_smoothing_by_hand():
    own = torch.tensor([[[0.5, 0.5], [0.0, 1.0]]])  # squared: [[0.25, 0.75], [0, 1]]
    said = torch.tensor([[[1.0], [3.0]]])
    # ((0.5 + 3 0.25) / 4, (0.5 + 3 0.75) / 4) = (0.3125, 0.6875): 0.3125 + 3 0.6875
    torch.testing.assert_close(spread(own, said), torch.tensor([[[2.375, 3.0]]]))
    spot = torch.zeros(1, 1, 5, 5)
    spot[..., 2, 2] = 1
    side, corner = 2.718281828 ** (-2), 2.718281828 ** (-4)
    whole = 1 + 4 * side + 4 * corner
    assert smoothed(spot)[0, 0, 2, 2].item() == pytest.approx(1 / whole, rel=1e-5)
    assert smoothed(spot)[0, 0, 1, 2].item() == pytest.approx(side / whole, rel=1e-5)
    assert smoothed(spot)[0, 0, 1, 1].item() == pytest.approx(corner / whole, rel=1e-5)


def test_without_attention_it_says_what_is_needed():
    with pytest.raises(InputError, match="attends to the prompt"):
        SCfg().guide(replace(step_of(*predictions()), attention=()))
