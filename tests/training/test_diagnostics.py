"""One record of a step from its parts, worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.training.diagnostics import collect, train_step
from t2ialign.training.losses import LossTerms
from t2ialign.training.processes import ALONE


def part(values: list[float], log_ratio: list[float], liked: list[bool], clamped: list[bool]) -> LossTerms:
    log_ratio = torch.tensor(log_ratio)
    sides = torch.tensor(clamped, dtype=torch.bool), torch.tensor(liked, dtype=torch.bool)
    return LossTerms(torch.tensor(values), log_ratio, -log_ratio / 10, *sides)


def test_pairs():
    """Three pairs in two parts: one won, one tied, one lost."""
    parts = [
        part([1.0, 2.0], [3.0, 1.0, 2.0, 1.0], [True, True, False, False], [False] * 4),
        part([6.0], [-25.0, 4.0], [True, False], [True, False]),
    ]
    step = train_step(7, collect(parts, ALONE), 0.5, 1e-3, 2.0)
    assert (step.step, step.loss, step.grad_norm, step.learning_rate, step.seconds) == (7, 3.0, 0.5, 1e-3, 2.0)
    assert step.log_ratios == ((3.0, 1.0, -25.0), (2.0, 1.0, 4.0))
    assert step.accuracy == pytest.approx(0.5)
    assert step.error_win == pytest.approx(0.7) and step.error_lose == pytest.approx(-7 / 30)
    assert step.clamp_share == pytest.approx(1 / 6)
    assert step.log_ratio_quantiles[0] == pytest.approx((-22.4, -12, 1, 2, 2.8))


def test_labelled_pictures_are_right_where_the_sign_is():
    parts = [part([1.0, 2.0, 3.0], [3.0, 1.0, -2.0], [True, False, False], [False] * 3)]
    assert train_step(1, collect(parts, ALONE), 0.0, 0.0, 0.0).accuracy == pytest.approx(2 / 3)


def test_only_one_side_or_none():
    liked = train_step(1, collect([part([1.0], [2.0], [True], [False])], ALONE), 0.0, 0.0, 0.0)
    assert (
        liked.log_ratio_quantiles[1] == () and math.isnan(liked.error_lose) and liked.error_win == pytest.approx(-0.2)
    )
    none = train_step(1, collect([part([1.0, 3.0], [], [], [])], ALONE), 0.0, 0.0, 0.0)
    assert none.loss == 2.0 and math.isnan(none.accuracy) and none.log_ratios == ((), ())
