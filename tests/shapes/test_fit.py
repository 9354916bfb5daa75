"""The training loop: a resumed run ends where an unbroken one does, bit for bit."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from t2ialign.shapes.fit import FitPlan, fit


def loss_of(model: nn.Module, draw: torch.Generator) -> torch.Tensor:
    x = torch.randn(16, 4, generator=draw)
    return (model(x).squeeze(1) - x.sum(1)).square().mean()


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(4, 1)


def test_training_learns_and_averages() -> None:
    *_, last = fit(linear(), loss_of, FitPlan(steps=300, rate=0.1, ema=0.9))
    assert last.step == 300 and last.loss < 1e-3
    assert torch.allclose(last.averaged.weight, torch.ones(1, 4), atol=0.05)


@pytest.mark.slow
def test_a_resumed_run_is_bit_equal_to_an_unbroken_one(tmp_path) -> None:
    whole = FitPlan(steps=200, rate=0.05, save_every=100)
    *_, unbroken = fit(linear(), loss_of, whole)
    state = tmp_path / "state.pt"
    broken = fit(linear(), loss_of, FitPlan(steps=200, rate=0.05, save_every=100, state=state))
    assert next(broken).step == 100
    broken.close()
    torch.manual_seed(99)
    resumed = list(fit(nn.Linear(4, 1), loss_of, FitPlan(steps=200, rate=0.05, save_every=100, state=state)))
    assert [step.step for step in resumed] == [200]
    assert torch.equal(resumed[-1].averaged.weight, unbroken.averaged.weight)
