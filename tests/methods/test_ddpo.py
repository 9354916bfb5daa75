"""DDPO: its forms, and the published numbers."""

from __future__ import annotations

import pytest

from t2ialign.methods import METHODS
from t2ialign.training.step_losses import PolicyGradient
from t2ialign.types import InputError

METHOD = METHODS["ddpo"]


def test_both_forms() -> None:
    by_ratio = METHOD.recipe_of(METHOD.settings({"updates": 2, "clip": 1e-4}))
    assert by_ratio.loss == PolicyGradient(1e-4) and by_ratio.updates == 2
    assert METHOD.recipe_of(METHOD.settings({"form": "score_function"})).loss == PolicyGradient(0.0)
    with pytest.raises(InputError, match="right only for pictures just drawn"):
        METHOD.recipe_of(METHOD.settings({"form": "score_function", "updates": 2}))


def test_published_numbers() -> None:
    controls = {control.name: control for control in METHOD.controls()}
    assert controls["clip"].published == 1e-4 and controls["limit"].published == 5
    assert controls["learning_rate"].published == 3e-4 and controls["guidance_scale"].published == 5
    assert "batch_size" not in controls and "diversity_weight" in controls
