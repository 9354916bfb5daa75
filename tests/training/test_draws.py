"""What chance decides depends on seed and step alone."""

from __future__ import annotations

import pytest
import torch

from t2ialign.training.draws import Draw, draw_step
from t2ialign.training.plan import TrainPlan
from t2ialign.training.processes import Processes

PLAN = TrainPlan(batch=12, timesteps=(500, 600))


def draw(step: int, plan: TrainPlan = PLAN, examples: int = 20, empty: float = 0.5) -> Draw:
    return draw_step(plan, step, examples, (4, 2, 2), empty)


def equal(one: Draw, other: Draw) -> bool:
    return all(torch.equal(a, b) for a, b in zip(vars(one).values(), vars(other).values(), strict=True))


def test_same_step_same_draw():
    assert equal(draw(3), draw(3))
    assert not torch.equal(draw(3).noise, draw(4).noise)
    assert not torch.equal(draw(3).noise, draw(3, TrainPlan(batch=12, seed=1)).noise)


def test_every_example_once_an_epoch():
    seen = torch.cat([draw(step).indices for step in range(5)])  # 60 draws of 20 examples: three epochs
    for epoch in seen.split(20):
        assert sorted(epoch.tolist()) == list(range(20))
    assert not torch.equal(seen[:20], seen[20:40])


def test_batches_larger_than_the_data():
    assert sorted(draw(0, examples=5).indices.bincount().tolist()) == [2, 2, 2, 3, 3]


def test_ranges():
    many = [draw(step) for step in range(50)]
    timesteps = torch.cat([one.timesteps for one in many])
    assert 500 <= timesteps.min() and timesteps.max() < 600
    assert 0.4 < torch.cat([one.empty for one in many]).float().mean() < 0.6
    assert not draw(0, empty=0.0).empty.any()


@pytest.mark.parametrize(("accumulation", "processes"), [(1, 1), (3, 1), (1, 4), (3, 2)])
def test_parts_of_all_processes_are_the_step(accumulation: int, processes: int):
    shares = [list(draw(1).parts(accumulation, Processes(rank, processes))) for rank in range(processes)]
    assert all(len(share) == accumulation for share in shares)
    torch.testing.assert_close(torch.cat([part.noise for share in shares for part in share]), draw(1).noise)
