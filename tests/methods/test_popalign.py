"""PopAlign against the published code's formula on pictures of two populations."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import logsigmoid

from t2ialign.methods import METHODS
from tests.methods.evaluations import pair_evaluation
from tests.methods.gradients import slope

METHOD = METHODS["popalign"]


def test_its_loss_is_the_published_one() -> None:
    """Mean over all pictures of -log sigmoid(+-beta (g - K)), g = -(error - reference error)."""
    seen = pair_evaluation(seed=6, spread=0.01)
    error, base = ((one - seen.target).square().mean((1, 2, 3)) for one in (seen.policy, seen.base))
    gain = base - error
    sign = torch.tensor([1.0] * 5 + [-1.0] * 5)
    published = -logsigmoid(sign * 5000 * (gain - gain.mean().clamp(min=0))).mean()
    found = METHOD.loss_of(METHOD.settings({"beta": 5000.0}))(seen).values.mean()
    torch.testing.assert_close(found, published)


def test_its_gradient_is_that_of_small_changes() -> None:
    """With small beta and errors above the reference's, so that the reference point stays 0."""
    loss = METHOD.loss_of(METHOD.settings({"beta": 5.0}))
    exact, numerical = slope(loss, pair_evaluation(seed=3, spread=1.0))
    assert exact == pytest.approx(numerical, rel=2e-2)


def test_published_numbers() -> None:
    controls = {control.name: control.published for control in METHOD.controls()}
    assert (controls["beta"], controls["learning_rate"], controls["batch_size"]) == (5000, 5e-7, 8)
    assert METHOD.published_steps == 750 and "pairing" not in controls
