"""DPOK: both forms of its pull, and the published numbers."""

from __future__ import annotations

from t2ialign.methods import METHODS
from t2ialign.training.critic import CriticPlan
from t2ialign.training.experience import MarkedPictures
from t2ialign.training.step_losses import PolicyGradient

METHOD = METHODS["dpok"]


def test_both_forms_of_the_pull() -> None:
    for form in ("noise_gap", "closed_form"):
        recipe = METHOD.recipe_of(METHOD.settings({"kl_form": form, "kl_weight": 0.1, "baseline": "mean"}))
        assert recipe.loss == PolicyGradient(1e-4, False, 10.0, 0.1, form)
        assert isinstance(recipe.collector, MarkedPictures) and recipe.collector.baseline == "mean"


def test_a_value_network_reads_rewards_as_they_are() -> None:
    recipe = METHOD.recipe_of(METHOD.settings({"baseline": "value"}))
    assert isinstance(recipe.collector, MarkedPictures) and recipe.collector.baseline == "none"
    assert recipe.critic == CriticPlan(5, 256, 1e-4)
    assert METHOD.recipe_of(METHOD.settings({"baseline": "mean"})).critic is None


def test_published_numbers() -> None:
    controls = {control.name: control.published for control in METHOD.controls()}
    assert (controls["reward_weight"], controls["kl_weight"], controls["clip"]) == (10, 0.01, 1e-4)
    assert controls["learning_rate"] == 1e-5 and controls["grad_clip"] == 0.1
