"""Pairs by a judge's marks: Bradley-Terry's chances, ties, best against worst."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.training.pairs import best_and_worst, checked_pairs, judged, ranked
from t2ialign.types import InputError, image_key
from tests.training.batches import seed_batch


def draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.slow
def test_judged_pairs_are_won_with_bradley_terrys_chance() -> None:
    batch, marks = seed_batch(2), torch.tensor([1.0, 0.0])
    generator = draw()
    wins = [torch.equal(judged(batch, marks, 1, "x", generator)[0].win, batch.images[0]) for _ in range(4000)]
    assert sum(wins) / 4000 == pytest.approx(1 / (1 + math.exp(-1)), abs=0.025)


def test_pairs_are_distinct_and_share_one_tensor_a_picture() -> None:
    batch = seed_batch(4)
    pairs = judged(batch, torch.zeros(4), 100, "annotator", draw())
    assert len({frozenset((pair.win_key, pair.lose_key)) for pair in pairs}) == len(pairs) == 6
    assert len({id(picture) for pair in pairs for picture in (pair.win, pair.lose)}) == 4
    assert pairs[0].win_key in {image_key(batch.config, batch.prompt, seed) for seed in batch.seeds}


def test_unmarked_pictures_are_left_out() -> None:
    marks = torch.tensor([1.0, math.nan, 2.0])
    assert len(judged(seed_batch(3), marks, 9, "x", draw())) == 1
    assert len(ranked(seed_batch(3), marks, 9, "x", draw())) == 1
    assert judged(seed_batch(3), torch.full((3,), math.nan), 9, "x", draw()) == []


def test_ranked_pairs_are_never_ties_and_never_upside_down() -> None:
    batch, rewards = seed_batch(4), torch.tensor([1.0, 2.0, 2.0, 3.0])
    value = {
        id_key: float(r) for id_key, r in zip((image_key(batch.config, batch.prompt, s) for s in range(4)), rewards)
    }
    pairs = ranked(batch, rewards, 99, "metric:x", draw())
    assert len(pairs) == 5 and all(value[pair.win_key] > value[pair.lose_key] for pair in pairs)


def test_best_and_worst() -> None:
    batch = seed_batch(3)
    (pair,) = best_and_worst(batch, torch.tensor([0.2, 0.9, 0.1]), "metric:x")
    assert torch.equal(pair.win, batch.images[1]) and torch.equal(pair.lose, batch.images[2])
    assert best_and_worst(batch, torch.ones(3), "metric:x") == []


def test_so_many_best_against_as_many_worst() -> None:
    batch = seed_batch(5)
    rewards = torch.tensor([0.5, 0.9, math.nan, 0.1, 0.9])
    pairs = best_and_worst(batch, rewards, "metric:x", 2)
    keys = [image_key(batch.config, batch.prompt, seed) for seed in batch.seeds]
    ordered = [(keys.index(pair.win_key), keys.index(pair.lose_key)) for pair in pairs]
    assert ordered == [(1, 0), (1, 3), (4, 0), (4, 3)]
    assert len(best_and_worst(batch, rewards, "metric:x", 9)) == 4  # no picture is best and worst at once


def test_no_pairs_and_other_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="no pair to learn from: all are ties"):
        checked_pairs([], 16, "all are ties")
    pairs = judged(seed_batch(2, size=8), torch.zeros(2), 1, "annotator", draw())
    with pytest.raises(InputError, match="8 x 8 pixels, and this backbone makes 16 x 16"):
        checked_pairs(pairs, 16, "")
