"""SPO with every divergence, with and without its clamp, and the published numbers."""

from __future__ import annotations

import pytest

from t2ialign.divergences import DIVERGENCES, curvature
from t2ialign.methods import METHODS
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.experience import Branches
from t2ialign.training.step_losses import StepPreference
from t2ialign.types import InputError

METHOD = METHODS["spo"]


@pytest.mark.parametrize("name", DIVERGENCES)
@pytest.mark.parametrize("clamp", [0.1, 0.0])
def test_every_divergence_at_matched_strength(name: str, clamp: float) -> None:
    recipe = METHOD.recipe_of(METHOD.settings({"divergence": name, "clamp": clamp, "candidates": 4}))
    divergence = DIVERGENCES[name]()
    assert recipe.loss == StepPreference(Sigmoid(10.0 / curvature(divergence)), divergence, clamp)
    assert recipe.collector == Branches(4, 4, 0.3)
    plain = METHOD.recipe_of(METHOD.settings({"divergence": name, "match_strength": False}))
    assert plain.loss.objective == Sigmoid(10.0)


def test_diversity_needs_pictures_side_by_side() -> None:
    for abreast in (1, 4):
        asked = METHOD.settings({"diversity_weight": 2.0, "abreast": abreast})
        if abreast > 1:
            assert METHOD.recipe_of(asked).collector.abreast == abreast
            continue
        with pytest.raises(InputError, match="--abreast 4, or set lambda to 0"):
            METHOD.recipe_of(asked)


def test_published_numbers() -> None:
    controls = {control.name: control.published for control in METHOD.controls()}
    assert (controls["beta"], controls["clamp"], controls["skip"], controls["candidates"]) == (10, 0.1, 4, 4)
    assert (controls["learning_rate"], controls["sampling_steps"], controls["guidance_scale"]) == (6e-5, 20, 5)
