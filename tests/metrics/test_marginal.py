"""What a picture adds to its set's diversity: by hand, and as the gradient that reaches a sampler."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.marginal import marginals, negative_mmd, set_value


def test_by_hand_on_a_line() -> None:
    """Pictures at 0, 1 and 5: mean distance 10/3; without each 4, 5 and 1."""
    points = torch.tensor([0.0, 1.0, 5.0])
    found = marginals(lambda chosen: float(torch.pdist(points[chosen][:, None]).mean()), 3)
    assert found.tolist() == pytest.approx([3 * (10 / 3 - 4), 3 * (10 / 3 - 5), 3 * (10 / 3 - 1)])


@pytest.mark.parametrize("name", ["lpips", "u_rke", "vendi", "clip_diversity"])
def test_a_stranger_adds_more_than_a_twin_whatever_the_metric(name: str) -> None:
    metric = METRICS[name]
    rows = torch.nn.functional.normalize(torch.tensor([[1.0, 0, 0], [1, 0.01, 0], [1, 0, 0.01], [0, 1, 0]]), dim=1)
    features = dict.fromkeys(metric.needs, rows)
    value = set_value(metric, features)
    found = marginals(value, 4)
    assert int(found.argmax()) == 3 and found[3] > 0 > found[0]
    whole = float(metric.compute(features)) if metric.level == "batch" else value(torch.arange(4))
    assert value(torch.arange(4)) == pytest.approx(whole)


def test_it_is_the_weight_with_which_the_metrics_gradient_reaches_a_sampler() -> None:
    """For x ~ N(0, s), E|x - x'| = 2 s / sqrt(pi): the score function estimate with these weights finds the slope."""
    draw, total, batches, n = torch.Generator().manual_seed(0), 0.0, 400, 8
    for _ in range(batches):
        x = torch.randn(n, generator=draw)
        pairs = (x[:, None] - x).abs()
        found = marginals(lambda chosen: float(pairs[chosen][:, chosen].sum() / (len(chosen) * (len(chosen) - 1))), n)  # noqa: B023
        score = x.square() - 1  # d log p / d s at s = 1
        total += float((found * score).mean()) / batches
    assert total == pytest.approx(2 / math.sqrt(math.pi), rel=0.1)


def test_the_mmd_rewards_what_the_reference_has_and_the_set_lacks() -> None:
    near, far = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    reference = torch.stack([near, far]).repeat(4, 1)
    lacking = torch.stack([near, near, near, far])
    value = negative_mmd(lacking, reference)
    found = marginals(value, 4)
    assert found[3] > 0 > found[0] and value(torch.arange(4)) < value(torch.tensor([0, 3]))
    assert value(torch.tensor([0, 3])) == pytest.approx(0, abs=1e-6), "the reference itself"
