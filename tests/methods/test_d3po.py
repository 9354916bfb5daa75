"""D3PO: its choices, DenseReward's discount, and the published numbers."""

from __future__ import annotations

from t2ialign.divergences import JensenShannon, ReverseKl
from t2ialign.methods import METHODS
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.experience import PicturePairs
from t2ialign.training.step_losses import StepPreference

METHOD = METHODS["d3po"]


def test_its_choices() -> None:
    recipe = METHOD.recipe_of(METHOD.settings({}))
    assert recipe.loss == StepPreference(Sigmoid(0.1), ReverseKl(), 0.1) and recipe.collector == PicturePairs()
    other = METHOD.recipe_of(METHOD.settings({"discount": 0.9, "divergence": "js", "clamp": 0.0}))
    assert other.collector == PicturePairs(0.9) and other.loss == StepPreference(Sigmoid(0.1), JensenShannon(), 0.0)


def test_published_numbers() -> None:
    controls = {control.name: control.published for control in METHOD.controls()}
    assert (controls["beta"], controls["clamp"], controls["learning_rate"]) == (0.1, 0.1, 3e-5)
