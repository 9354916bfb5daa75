"""Self-selected sets, mixtures, and pairs as likes and dislikes."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.training.pairs import judged
from t2ialign.training.selection import above, checked_examples, liked_and_disliked, mixed, shared_out, top_k
from t2ialign.types import InputError
from tests.training.batches import seed_batch


def draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_top_k_takes_the_highest_and_never_the_unscored() -> None:
    batch = seed_batch(4)
    chosen = top_k(batch, torch.tensor([1.0, math.nan, 3.0, 2.0]), 2)
    assert [torch.equal(one.picture, batch.images[i]) for one, i in zip(chosen, (2, 3))] == [True, True]
    assert len(top_k(batch, torch.tensor([1.0, math.nan, 3.0, 2.0]), 9)) == 3


def test_above_keeps_strictly_more_than_the_threshold() -> None:
    assert [one.weight for one in above(seed_batch(3), torch.tensor([0.5, 0.75, 0.25]), 0.5)] == [0.75]


def test_a_mixture_has_the_share_that_was_asked_for() -> None:
    ours, given = (top_k(seed_batch(8, prompt=text), torch.arange(8).float(), 8) for text in ("a ring", "a star"))
    mix = mixed(ours, given, 0.25, draw())
    assert [one.prompt.text for one in mix].count("a star") == 2 and len(mix) == 8
    assert mixed(ours, given, 0.0, draw()) == ours
    assert len(mixed(ours, given[:1], 1.0, draw())) == 8, "what is not given cannot replace"


@pytest.mark.parametrize(("share", "liked", "disliked"), [(0.5, 6, 6), (0.75, 6, 2), (0.25, 2, 6)])
def test_pairs_become_likes_and_dislikes(share: float, liked: int, disliked: int) -> None:
    pairs = judged(seed_batch(4), torch.arange(4).float(), 6, "annotator", draw())
    labels = [one.desirable for one in shared_out(liked_and_disliked(pairs), share, draw())]
    assert (labels.count(True), labels.count(False)) == (liked, disliked)


def test_likes_alone_stay() -> None:
    liked = [
        one
        for one in liked_and_disliked(judged(seed_batch(4), torch.arange(4).float(), 6, "x", draw()))
        if one.desirable
    ]
    assert shared_out(liked, 0.5, draw()) == liked


def test_nothing_and_other_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="no picture to learn from: lower the threshold"):
        checked_examples([], 16, "lower the threshold")
    with pytest.raises(InputError, match="8 x 8 pixels, and this backbone makes 16 x 16"):
        checked_examples(top_k(seed_batch(2, size=8), torch.ones(2), 1), 16, "")
