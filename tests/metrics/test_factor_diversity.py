from __future__ import annotations

import math

import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import score_features

NAN = math.nan
GROUPS, SCALE = torch.tensor([0, 0, 1]), torch.tensor([5.0, 2.0])


def pairs(factors: list[list[float]], scale: torch.Tensor = SCALE) -> torch.Tensor:
    features = {"factors": torch.tensor(factors), "factor_groups": GROUPS, "factor_scale": scale}
    return METRICS["factor_diversity"].compute(features)


def test_by_hand():
    """Group 0 moves by (3, 4), a distance of 5 = its scale; group 1 by 4 = twice its scale: (1 + 2) / 2."""
    assert pairs([[0.0, 0, 1], [3, 4, 5]])[0, 1].item() == pytest.approx(1.5)


def test_a_factor_that_one_picture_lacks_leaves_its_group_out():
    found = pairs([[0.0, 0, 1], [3, NAN, 5], [3, 4, NAN]])
    assert found[0, 1].item() == pytest.approx(2)
    assert found[0, 2].item() == pytest.approx(1)
    assert math.isnan(found[1, 2])


def test_a_factor_that_no_picture_has_does_not_count():
    assert pairs([[3.0, NAN, 1], [8, NAN, 5]])[0, 1].item() == pytest.approx(1.5)


def test_a_group_that_the_prompt_lacks_does_not_count():
    found = pairs([[0.0, 0, NAN], [3, 4, NAN]], torch.tensor([5.0, NAN]))
    assert found[0, 1].item() == pytest.approx(1)


def test_one_is_as_varied_as_the_prior():
    """Scale from one sample of a prior, diversity from another: the mean must be 1."""
    draw = torch.Generator().manual_seed(0)
    prior, seeds = torch.rand(2000, 3, generator=draw), torch.rand(400, 3, generator=draw)
    scale = torch.stack([torch.pdist(prior[:, GROUPS == group]).mean() for group in (0, 1)])
    features = {"factors": seeds, "factor_groups": GROUPS, "factor_scale": scale}
    assert score_features(METRICS["factor_diversity"], features).mean == pytest.approx(1, abs=0.03)
