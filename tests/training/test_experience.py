"""What is learned from drawn pictures: advantages by hand, pairs from one noise, branches from one step."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from t2ialign.training.experience import Branches, Drawing, MarkedPictures, PicturePairs, advantages
from t2ialign.training.rollouts import Marks
from tests.training.toy import CHAIN, STEPS, TASTE, ToyPolicy, linear


def drawing(**more: object) -> Drawing:
    return replace(Drawing(ToyPolicy(), CHAIN, linear, (0, 0), 1, 2), **more)


def test_advantages_by_hand() -> None:
    rewards = torch.tensor([1.0, 2.0, 6.0])
    assert advantages(rewards, "mean", 100).tolist() == pytest.approx([-3, -1.5, 4.5]), "the mean of the two others"
    spread = math.sqrt((4 + 1 + 9) / 3)
    assert advantages(rewards, "z_score", 5).tolist() == pytest.approx([-2 / spread, -1 / spread, 3 / spread], rel=1e-3)
    assert advantages(rewards, "mean", 2).tolist() == [-2, -1.5, 2]
    assert advantages(torch.tensor([1.0, math.nan, 3.0]), "mean", 9).tolist() == [-2, 0, 2]
    for nothing in (torch.tensor([math.nan, 4.0]), torch.full((3,), 0.1)):
        assert not advantages(nothing, "z_score", 5).any()


def test_groups_become_weighed_transitions() -> None:
    found = MarkedPictures(4, share=0.5, same_noise=True).collect(drawing())
    replay = found.replay
    assert len(replay) == 2 * 4 * STEPS // 2 and replay.before.shape[1:] == (1, 2, 1, 1)
    assert math.isfinite(found.reward) and found.diversity > 0
    again = MarkedPictures(4, share=0.5, same_noise=True).collect(drawing())
    assert torch.equal(again.replay.after, replay.after) and torch.equal(again.replay.index, replay.index)
    first = MarkedPictures(4, same_noise=True).collect(drawing()).replay
    starts = first.before[first.index == 0][:4]
    assert torch.equal(starts, starts[:1].expand_as(starts)), "one noise for the group"
    other = MarkedPictures(4).collect(drawing(step=3)).replay
    assert not torch.equal(other.before[0], first.before[0])


def test_of_two_pictures_the_better_one_wins_every_step_and_ties_teach_nothing() -> None:
    replay = PicturePairs(discount=0.9).collect(drawing()).replay
    assert len(replay) == 2 * STEPS and torch.equal(replay.before[0, 0], replay.before[0, 1])
    last = replay.after[replay.index == STEPS - 1].flatten(2) @ TASTE
    assert bool((last[:, 0] > last[:, 1]).all())
    assert replay.weights[:STEPS].tolist() == pytest.approx([0.9**k for k in range(STEPS)])

    def all_alike(latents: Tensor, row: int, seeds: tuple[int, ...]) -> Marks:
        return Marks(torch.ones(len(latents)), torch.ones(len(latents)))

    tied = PicturePairs().collect(drawing(reward=all_alike)).replay
    assert len(tied) == 1 and not tied.weights.any()


def test_branches_leave_from_one_step_and_the_first_steps_teach_nothing() -> None:
    found = Branches(candidates=4, skip=2, threshold=0.0).collect(drawing())
    replay = found.replay
    assert sorted(set(replay.index.tolist())) == list(range(2, STEPS)) and len(replay) == 2 * (STEPS - 2)
    assert replay.before.shape[1] == 1 and replay.after.shape[1] == 2 and bool((replay.weights == 1).all())
    last = replay.index == STEPS - 1
    marks = replay.after[last].flatten(2) @ TASTE
    assert bool((marks[:, 0] > marks[:, 1]).all())
    assert len(Branches(4, 2, 0.99).collect(drawing()).replay) < len(replay), "weak preferences are left out"


def test_side_by_side_each_way_on_is_marked_beside_what_goes_on_of_the_others() -> None:
    sets: list[torch.Tensor] = []

    def noted(latents: Tensor, row: int, seeds: tuple[int, ...]) -> Marks:
        assert len(latents) == len(seeds) == len(set(seeds))
        sets.append(latents)
        return linear(latents, row, seeds)

    found = Branches(4, 0, 0.0, abreast=3).collect(drawing(rows=(0,), reward=noted))
    alone = Branches(4, 0, 0.0).collect(drawing(rows=(0,)))
    assert len(found.replay) == 3 * STEPS and len(alone.replay) == STEPS
    assert torch.equal(found.replay.after[::3], alone.replay.after), "the first one goes as it would alone"
    assert [len(one) for one in sets] == [4 + 2] * 3 * STEPS + [3], "at last the finished pictures"
    first, second, third, finished = sets[-4:]  # of the last step, where what is seen is the picture itself
    assert torch.equal(finished, torch.stack([second[4], first[4], first[5]]))
    assert torch.equal(first[4], third[5]) and torch.equal(first[5], second[5]) and torch.equal(second[4], third[4])
    for one, own in ((first[4], second), (second[4], first), (first[5], third)):
        assert (own[:4] == one).all((1, 2, 3)).sum() == 1, "one of its own ways on goes on, and the others see that one"


def test_the_finished_pictures_of_a_prompt_have_a_diversity_from_two_on() -> None:
    asked: list[torch.Tensor] = []

    class Judge:
        def __call__(self, latents: Tensor, row: int, seeds: tuple[int, ...]) -> Marks:
            assert len(latents) == len(seeds) == len(set(seeds)) == 3
            asked.append(latents)
            return linear(latents, row, seeds)

        def at(self, latents: Tensor, row: int, seeds: tuple[int, ...], timestep: int) -> Marks:
            return replace(linear(latents, row, seeds), diversity=math.nan)

    assert math.isnan(Branches(4, 0, 0.0).collect(drawing(reward=Judge())).diversity) and not asked
    found = Branches(4, 0, 0.0, abreast=3).collect(drawing(reward=Judge()))
    spreads = [float(torch.pdist(latents.flatten(1)).mean()) for latents in asked]
    assert found.diversity == pytest.approx(sum(spreads) / 2) and len(spreads) == 2


def test_a_reward_that_knows_the_step_is_told_which() -> None:
    class Judge:
        told: ClassVar[list[int]] = []

        def __call__(self, latents: Tensor, row: int, seeds: tuple[int, ...]) -> Marks:
            raise AssertionError("it is asked about a step")

        def at(self, latents: Tensor, row: int, seeds: tuple[int, ...], timestep: int) -> Marks:
            self.told.append(timestep)
            return linear(latents, row, seeds)

    found = Branches(4, 2, 0.0, step_aware=True).collect(drawing(reward=Judge()))
    assert Judge.told == [*CHAIN.timesteps[3:].tolist(), 0] * 2, (
        "each picture by the step that sees it, at last finished"
    )
    plain = Branches(4, 2, 0.0).collect(drawing())
    assert torch.equal(found.replay.after, plain.replay.after)


def test_pictures_that_are_all_alike_still_feel_the_pull_to_the_base() -> None:
    def all_alike(latents: Tensor, row: int, seeds: tuple[int, ...]) -> Marks:
        return Marks(torch.ones(len(latents)), torch.ones(len(latents)))

    replay = MarkedPictures(3).collect(drawing(reward=all_alike)).replay
    assert len(replay) == 2 * 3 * STEPS and not replay.weights.any()
