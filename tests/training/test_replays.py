"""A step's examples on disk: what is learned from them is the same bit for bit, and memory stays below the limit."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training import replays
from t2ialign.training.experience import Branches, Collector, MarkedPictures, PicturePairs
from t2ialign.training.on_policy import Recipe, train_on_policy
from t2ialign.training.plan import TrainPlan
from t2ialign.training.replays import joined, without_ties
from t2ialign.training.rollouts import Replay
from t2ialign.training.step_losses import PolicyGradient, StepPreference
from tests.training.toy import ToyPolicy, session

PLAN = TrainPlan(steps=4, batch=3, learning_rate=0.05, grad_clip=0, save_every=2)
COLLECTORS = [MarkedPictures(4, share=0.5), PicturePairs(), Branches(3, 1, 0.2, abreast=2)]


def replay_of(rows: int, first: float, side: int = 2) -> Replay:
    latents = torch.full((rows, 1, 4, side, side), first)
    numbers = torch.arange(rows)
    return Replay(latents, latents + 1, numbers, numbers, torch.zeros(rows, 1), numbers.float())


def state_after(collector: Collector, folder: Path, stop: int = 0) -> tuple[ToyPolicy, list[float]]:
    """A run, or one that was stopped after some steps and begun anew from its last state."""
    loss = PolicyGradient(0.1) if isinstance(collector, MarkedPictures) else StepPreference(Sigmoid(1.0))
    recipe = Recipe(collector, loss, updates=2, passes=2)

    def steps(policy: ToyPolicy) -> Iterator[float]:
        run = dataclasses.replace(session(policy, recipe, PLAN), folder=folder / "replay")
        for step in train_on_policy(run, folder / "state.pt"):
            yield step.loss

    folder.mkdir()
    if stop:
        dying = steps(ToyPolicy())
        for _ in range(stop):
            next(dying)
        kept = (folder / "state.pt").read_bytes()
        dying.close()
        (folder / "state.pt").write_bytes(kept)
    policy = ToyPolicy()
    return policy, list(steps(policy))


@pytest.mark.parametrize("collector", COLLECTORS)
def test_training_from_disk_is_bit_equal_also_when_it_goes_on(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, losses = state_after(collector, tmp_path / "memory")
    assert not (tmp_path / "memory" / "replay").exists()
    monkeypatch.setattr(replays, "IN_MEMORY", 0)
    spilled, same = state_after(collector, tmp_path / "disk")
    assert sorted(file.name for file in (tmp_path / "disk" / "replay").iterdir()) == ["after.bin", "before.bin"]
    resumed, rest = state_after(collector, tmp_path / "again", stop=3)
    assert losses == same and rest == losses[2:]
    for found in (spilled, resumed):
        assert torch.equal(plain.shift, found.shift) and torch.equal(plain.matrix, found.matrix)
    assert bool(plain.shift.any())


def live_bytes() -> int:
    """Of all tensors that there are, each storage once; what is mapped from a file is the system's to page."""
    found = {}
    for one in gc.get_objects():
        if type(one) is Tensor and one.dtype == torch.float32:
            found[one.untyped_storage().data_ptr()] = one.untyped_storage().nbytes()
    return sum(found.values())


@pytest.mark.parametrize("limit", [2**20, 2**30])
def test_no_more_than_the_limit_is_in_memory_while_groups_are_gathered(
    limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "IN_MEMORY", limit)
    before, peaks = live_bytes(), list[int]()
    group = 2 * 4 * 4 * 64 * 64 * 4  # bytes of both tensors of four examples

    def groups() -> Iterator[Replay]:
        for number in range(16):
            peaks.append(live_bytes() - before)
            yield replay_of(4, float(number), 64)

    found = joined(without_ties(groups()), tmp_path)
    assert found.after[:, 0, 0, 0, 0].tolist() == [number + 1.0 for number in range(16) for _ in range(3)]
    assert found.before.shape == (48, 1, 4, 64, 64) and torch.equal(found.index, torch.tensor([1, 2, 3] * 16))
    spilled = limit < 16 * group
    assert (tmp_path / "before.bin").is_file() == spilled
    assert max(peaks) <= limit // 2 + 2 * group, "a group's own aside"
    assert (max(peaks) > 12 * group * 3 / 4) != spilled, "without the limit all would be there"


def test_one_that_teaches_nothing_stays_where_there_is_no_other() -> None:
    tied = dataclasses.replace(replay_of(3, 1.0), weights=torch.zeros(3))
    assert [len(part) for part in without_ties([tied, tied])] == [1]
    assert [part.weights.tolist() for part in without_ties([tied, replay_of(3, 2.0)])] == [[1, 2]]
