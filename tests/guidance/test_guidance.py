"""What every guidance strategy promises, and what the menu refuses."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from t2ialign.guidance import (
    GUIDANCE,
    begin_guidance,
    defaults_of,
    fitted_params,
    needs_of,
    read_params,
    read_strategy,
    spelled_params,
)
from t2ialign.guidance.needs import StepGuidance
from t2ialign.limits import check_guidance_scale
from t2ialign.names import strategy_text
from t2ialign.types import Guidance, InputError
from tests.guidance.predictions import predictions
from tests.guidance.steps import guided

every = pytest.mark.parametrize("name", GUIDANCE)


@every
def test_is_a_frozen_dataclass_and_a_guidance(name: str):
    strategy = GUIDANCE[name]()
    assert all(isinstance(one, Guidance | StepGuidance) for one in (strategy, strategy.begin()))
    assert needs_of(name) == strategy.needs and strategy.needs.evaluations >= 1
    assert dataclasses.fields(strategy)[0].name == "guidance_scale"
    with pytest.raises(dataclasses.FrozenInstanceError):
        strategy.guidance_scale = 2.0


@every
def test_no_prompt_no_effect(name: str):
    """Where both predictions agree there is nothing to guide, at any scale."""
    cond, _ = predictions()
    torch.testing.assert_close(guided(begin_guidance(name, 7.5), cond, cond), cond)


@pytest.mark.parametrize(
    "name", [name for name in GUIDANCE if name != "s_cfg"]
)  # whose regions have scales of their own
def test_scale_one_is_the_conditional_model(name: str):
    cond, uncond = predictions()
    torch.testing.assert_close(guided(begin_guidance(name, 1.0), cond, uncond), cond)


@every
def test_pictures_do_not_meet(name: str):
    """A picture's guided predictions are the same alone and in a batch, over several steps (of little noise)."""
    together, alone = begin_guidance(name, 5.0), begin_guidance(name, 5.0)
    for step in range(3):
        cond, uncond = predictions(step)
        whole = guided(together, cond, uncond, step / 3)
        part = guided(alone, cond[1:2], uncond[1:2], step / 3)
        torch.testing.assert_close(whole[1:2], part, rtol=1e-5, atol=1e-6)


@every
def test_a_second_generation_starts_fresh(name: str):
    cond, uncond = predictions()
    strategy = GUIDANCE[name](6.0)
    first = guided(strategy.begin(), cond, uncond)
    assert torch.equal(guided(strategy.begin(), cond, uncond), first)
    assert torch.equal(guided(strategy, cond, uncond), first)


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
        ("aig", (("power", -1.0),), "power must not be negative"),
        ("aig", (("batch", 8.0),), "makes each picture by itself"),
        ("adapter_ramp", (("start", 1.0),), "from 0 to below 1"),
        ("cads", (("tau1", 0.9), ("tau2", 0.6)), "tau1 < tau2"),
        ("cads", (("mixing", 2.0),), "mixing from 0 to 1"),
        ("cfg_rescale", (("rescale", 1.5),), "from 0 .none. to 1"),
        ("cfg_zero", (("zero_steps", 0.5),), "whole number"),
        ("dynamic_threshold", (("percentile", 99.5),), "a share above 0 up to 1"),
        ("autoguidance", (("weaker", 1.0),), "below 1"),
        ("autoguidance", (("weaker", "early"),), "must be a finite number"),
        ("autoguidance", (("weaker_checkpoint", 1.0),), "is a name, and 1 is a number"),
        ("autoguidance", (("weaker", 0.5), ("weaker_checkpoint", "early")), "has one weaker model"),
        ("latent_particle", (("strength", -1.0),), "not negative"),
        ("attend_excite", (("token1", 1.5),), "1 is the prompt's first"),
    ],
)
def test_refusals(name: str, params: tuple, says: str):
    with pytest.raises(InputError, match=says):
        begin_guidance(name, 4.0, params)


@every
def test_a_strategy_is_read_as_it_is_written(name: str):
    changed = tuple(sorted((param, value / 2) for param, value in defaults_of(name).items() if value and value > 0))
    assert read_strategy(strategy_text(name, changed)) == (name, changed)
    typed = read_params(name, strategy_text("", defaults_of(name).items()))
    assert fitted_params(name, typed, small=False) == ()  # the defaults are no other cell


def test_models_of_small_pictures_have_a_step_of_their_own():
    """Left open it is theirs; what somebody asked for stays, the published one too."""
    own = dict(needs_of("attend_excite").small)["step_size"]
    assert fitted_params("attend_excite", (), small=True) == (("step_size", own),)
    assert fitted_params("attend_excite", (), small=False) == ()
    for said in (20.0, 3.0):
        typed = read_params("attend_excite", f"step_size={said:g}")
        found = {
            small: dict(fitted_params("attend_excite", typed, small)).get("step_size", 20.0) for small in (True, False)
        }
        assert found == {True: said, False: said}
    stored = fitted_params("attend_excite", (("step_size", 20.0),), small=True)
    assert fitted_params("attend_excite", spelled_params("attend_excite", stored), small=True) == stored == ()


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("aigg", "did you mean 'aig'"),
        ("cfg:scale=3", "has no parameter 'scale': it has none"),
        ("cfg:x", "has no parameters; leave them empty"),
        ("aig:power", "'power' is no parameter of guidance aig: write power=2"),
        ("aig:power=two", "write power=2"),
        ("aig:power=-1", "must not be negative"),
        ("cads:tau=0.5", "it has noise_scale, tau1, tau2, mixing"),
        ("latent_particle:batch=8", "'batch=8' is no parameter"),
    ],
)
def test_what_is_no_strategy(said: str, says: str):
    with pytest.raises(InputError, match=says):
        read_strategy(said)


def test_flow_models_have_a_first_step_of_their_own():
    """CFG-Zero's stands still there; what somebody asked for stays, and older cells of none keep their identity."""
    assert fitted_params("cfg_zero", (), small=False, flow=True) == (("zero_steps", 1.0),)
    assert fitted_params("cfg_zero", (), small=False) == ()
    typed = read_params("cfg_zero", "zero_steps=0")
    assert typed == (("zero_steps", 0.0),) and fitted_params("cfg_zero", typed, small=False, flow=True) == ()
    assert spelled_params("cfg_zero", ()) == typed
