"""Autoguidance against diffusers' guider, whose weaker model is another one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from t2ialign import torchvision_guard
from t2ialign.guidance.autoguidance import Autoguidance
from t2ialign.types import InputError
from tests.guidance.predictions import predictions
from tests.guidance.steps import step_of


def test_equals_diffusers():
    torchvision_guard.install()
    from diffusers.guiders import AutoGuidance

    cond, uncond = predictions(0)
    weak, weak_uncond = predictions(1)
    expected = AutoGuidance(2.5, auto_guidance_layers=[0], dropout=1.0).forward(cond, weak).pred
    torch.testing.assert_close(Autoguidance(2.5).guide(step_of(cond, uncond, 0.5, (weak, weak_uncond))), expected)


def test_no_prompt_plays_no_part_and_the_weaker_share_is_asked_for():
    asked = []
    cond, uncond = predictions()

    def predict(of_prompt: bool, share: float) -> torch.Tensor:
        asked.append((of_prompt, share))
        return 0.5 * cond

    step = replace(step_of(cond, uncond), predict=predict)
    first = Autoguidance(3.0, 0.25).guide(step)
    assert asked == [(True, 0.25)]
    assert torch.equal(Autoguidance(3.0, 0.25).guide(replace(step, noise_uncond=cond)), first)


def test_the_weaker_model_may_be_another_checkpoint():
    cond, uncond = predictions(0)
    weak, _ = predictions(1)
    asked = []

    def other(of_prompt: bool) -> torch.Tensor:
        asked.append(of_prompt)
        return weak

    step = replace(step_of(cond, uncond), other=other)
    guided = Autoguidance(3.0, weaker_checkpoint="early").guide(step)
    assert asked == [True] and torch.equal(guided, weak + 3.0 * (cond - weak))


def test_one_that_nobody_loaded_is_said():
    with pytest.raises(InputError, match="was not loaded here"):
        Autoguidance(3.0, weaker_checkpoint="early").guide(step_of(*predictions(0)))
