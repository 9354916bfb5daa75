"""ReFL: one late step, a reward that is enough, and the published numbers."""

from __future__ import annotations

from t2ialign.methods import METHODS
from t2ialign.training.reward_gradient import GradientRecipe, OneStep

METHOD = METHODS["refl"]


def test_one_late_step_learns_until_the_reward_is_enough() -> None:
    asked = {"window": 3, "enough": 1.5, "reward_weight": 0.1, "candidates": 2, "sampling_steps": 8}
    assert METHOD.recipe_of(METHOD.settings(asked)) == GradientRecipe(2, OneStep(3), 1.5, 0.1, 0.0, 1.0)
    few = METHOD.recipe_of(METHOD.settings({"window": 10, "sampling_steps": 4}))
    assert isinstance(few, GradientRecipe) and few.reach == OneStep(4)


def test_published_numbers() -> None:
    """THUDM/ImageReward's script: 100 steps of 64 pictures, 40 denoising steps, the last ten, relu(2 - reward) / 1000."""
    controls = {control.name: control.published for control in METHOD.controls()}
    assert (controls["window"], controls["enough"], controls["reward_weight"]) == (10, 2, 1e-3)
    assert (controls["sampling_steps"], controls["guidance_scale"], controls["groups"]) == (40, 1, 64)
    assert (controls["learning_rate"], METHOD.published_steps) == (1e-5, 100)
