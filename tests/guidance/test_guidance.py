"""What every guidance strategy promises, and what the menu refuses."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from t2ialign.guidance import GUIDANCE, begin_guidance
from t2ialign.limits import check_guidance_scale
from t2ialign.types import Guidance, InputError
from tests.guidance.predictions import predictions

every = pytest.mark.parametrize("name", GUIDANCE)


@every
def test_is_a_frozen_dataclass_and_a_guidance(name: str):
    strategy = GUIDANCE[name]()
    assert isinstance(strategy, Guidance)
    assert isinstance(strategy.begin(), Guidance)
    assert dataclasses.fields(strategy)[0].name == "guidance_scale"
    with pytest.raises(dataclasses.FrozenInstanceError):
        strategy.guidance_scale = 2.0


@every
def test_no_prompt_no_effect(name: str):
    """Where both predictions agree there is nothing to guide, at any scale."""
    cond, _ = predictions()
    torch.testing.assert_close(begin_guidance(name, 7.5)(cond, cond, 0.5), cond)


@every
def test_scale_one_is_the_conditional_model(name: str):
    cond, uncond = predictions()
    torch.testing.assert_close(begin_guidance(name, 1.0)(cond, uncond, 0.5), cond)


@every
def test_pictures_do_not_meet(name: str):
    """A picture's guided predictions are the same alone and in a batch, over several steps."""
    together, alone = begin_guidance(name, 5.0), begin_guidance(name, 5.0)
    for step in range(3):
        cond, uncond = predictions(step)
        guided = together(cond, uncond, step / 3)
        assert torch.equal(guided[1:2], alone(cond[1:2], uncond[1:2], step / 3))


@every
def test_a_second_generation_starts_fresh(name: str):
    cond, uncond = predictions()
    strategy = GUIDANCE[name](6.0)
    first = strategy.begin()(cond, uncond, 0.5)
    assert torch.equal(strategy.begin()(cond, uncond, 0.5), first)
    assert torch.equal(strategy(cond, uncond, 0.5), first)


@pytest.mark.parametrize("scale", [math.nan, math.inf, -math.inf, -0.1, 50.1, 1e9])
def test_scales_out_of_range(scale: float):
    with pytest.raises(InputError, match="guidance scale must be a number from 0 to 50"):
        check_guidance_scale(scale)
    with pytest.raises(InputError):
        begin_guidance("cfg", scale)


@pytest.mark.parametrize("scale", [0.0, 1.0, 7.5, 50.0, 4])
def test_scales_in_range(scale: float):
    assert check_guidance_scale(scale) == scale


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("cgf", (), "did you mean 'cfg'"),
        ("cfg", (("eta", 0.0),), "it has none"),
        ("apg", (("momentun", 0.0),), "it has eta, norm_threshold, momentum"),
        ("apg", (("eta", math.nan),), "finite"),
        ("apg", (("momentum", 1.0),), "between -1 and 1"),
        ("apg", (("norm_threshold", -1.0),), "must not be negative"),
        ("interval", (("start", 0.9), ("stop", 0.2)), "start before it stops, not 0.9 to 0.2"),
        ("interval", (("stop", 1.5),), "within 0 and 1"),
        ("interval", (("guidance_scale", 3.0),), "no parameter 'guidance_scale'"),
    ],
)
def test_refusals(name: str, params: tuple, says: str):
    with pytest.raises(InputError, match=says):
        begin_guidance(name, 4.0, params)
