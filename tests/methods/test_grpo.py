"""GRPO: what a group shares, and the published numbers."""

from __future__ import annotations

from t2ialign.methods import METHODS
from t2ialign.training.experience import MarkedPictures
from t2ialign.training.step_losses import PolicyGradient

METHOD = METHODS["grpo"]


def test_a_group_shares_its_noise_and_a_part_of_the_steps_is_learned_from() -> None:
    recipe = METHOD.recipe_of(METHOD.settings({"candidates": 16, "step_share": 0.6, "kl_weight": 0.04}))
    assert recipe.collector == MarkedPictures(16, "z_score", 5.0, 0.6, True)
    assert recipe.loss == PolicyGradient(1e-4, kl_weight=0.04)


def test_published_numbers() -> None:
    controls = {control.name: control.published for control in METHOD.controls()}
    assert (controls["candidates"], controls["step_share"], controls["kl_weight"]) == (16, 0.6, 0.04)


def test_steps_may_count_as_their_noise() -> None:
    for name in ("grpo", "ddpo", "dpok", "d3po"):
        method = METHODS[name]
        found = [method.recipe_of(method.settings({"step_weights": said})).by_noise for said in ("equal", "noise")]
        assert found == [False, True]
    published = {control.name: control.published for control in METHOD.controls()}
    assert published["step_weights"] == "equal" and "step_weights" not in {c.name for c in METHODS["spo"].controls()}
