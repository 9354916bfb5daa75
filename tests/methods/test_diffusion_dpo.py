"""Diffusion-DPO against the formula of its published code, written out on numbers."""

from __future__ import annotations

import pytest
import torch

from t2ialign.methods import METHODS
from tests.methods.evaluations import pair_evaluation

METHOD = METHODS["diffusion_dpo"]


@pytest.mark.parametrize("beta", [400.0, 5000.0])
def test_its_loss_is_the_published_one(beta: float) -> None:
    seen = pair_evaluation(seed=0, spread=0.01)
    settings = METHOD.settings({"beta": beta})
    policy, reference = ((side - seen.target).square().mean((1, 2, 3)) for side in (seen.policy, seen.reference))
    win, lose = (policy - reference).chunk(2)
    published = -torch.nn.functional.logsigmoid(-0.5 * beta * (win - lose))
    torch.testing.assert_close(METHOD.loss(settings)(seen).values, published)


def test_published_numbers_are_those_of_the_readme_for_lora() -> None:
    controls = {control.name: control for control in METHOD.controls()}
    assert controls["beta"].published == 5000 and controls["learning_rate"].published == 1e-5
    assert controls["rank"].published == 8 and controls["empty_prompts"].published == 0.2
