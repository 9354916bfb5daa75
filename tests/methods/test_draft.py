"""DRaFT-K: how far its gradient flows, and the published numbers."""

from __future__ import annotations

import pytest

from t2ialign.methods import METHODS
from t2ialign.training.reward_gradient import GradientRecipe, LastSteps
from t2ialign.types import InputError

METHOD = METHODS["draft"]


def test_the_gradient_flows_through_the_last_steps() -> None:
    asked = {"last": 3, "candidates": 2, "kl_weight": 0.1, "eta": 1.0}
    assert METHOD.recipe_of(METHOD.settings(asked)) == GradientRecipe(2, LastSteps(3), kl_weight=0.1, eta=1.0)
    few = METHOD.recipe_of(METHOD.settings({"last": 30, "sampling_steps": 6, "candidates": 1}))
    assert few == GradientRecipe(1, LastSteps(6)), "there are no more"


def test_low_variance_is_of_the_last_step_alone() -> None:
    assert METHOD.recipe_of(METHOD.settings({"again": 2, "candidates": 1})).reach == LastSteps(1, 2)
    with pytest.raises(InputError, match="set --last 1"):
        METHOD.recipe_of(METHOD.settings({"again": 2, "last": 2}))


def test_published_numbers() -> None:
    """NeMo-Aligner's script: 25 steps of DDIM, one with gradients, batches of 64, KL 0.1."""
    controls = {control.name: control.published for control in METHOD.controls()}
    assert (controls["learning_rate"], controls["sampling_steps"], controls["groups"]) == (2.5e-4, 25, 64)
    assert (controls["last"], controls["eta"], controls["guidance_scale"]) == (1, 0, 7.5)
    assert not {"diversity_weight", "updates", "accumulate", "step_share"} & set(controls)
