"""Diffusion-KTO against the published code's formula on single pictures."""

from __future__ import annotations

import torch

from t2ialign.methods import METHODS
from tests.methods.evaluations import labelled_evaluation

METHOD = METHODS["diffusion_kto"]


def test_its_loss_is_the_published_one() -> None:
    desirable = [True, False, True, False, False]
    seen = labelled_evaluation(seed=6, spread=0.01, desirable=desirable)
    error = (seen.policy - seen.target).square().mean((1, 2, 3)) - (seen.reference - seen.target).square().mean(
        (1, 2, 3)
    )
    log_ratio, sign = -1000 * error, torch.tensor([1.0 if liked else -1.0 for liked in desirable])
    point = log_ratio.mean().clamp(min=0)
    published = 1 - torch.sigmoid(sign * (log_ratio - point))
    torch.testing.assert_close(METHOD.loss(METHOD.settings({"beta": 1000.0}))(seen).values, published)
