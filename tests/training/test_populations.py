"""Two populations of a prompt's pictures: which half wins, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from t2ialign.training.populations import varied_and_alike
from t2ialign.types import InputError, SeedBatch
from tests.training.batches import seed_batch


def batch(count: int) -> SeedBatch:
    images = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(count, 3, 4, 4).contiguous()
    return replace(seed_batch(count, size=4), images=images)


def spread(chosen: Tensor) -> float:
    """Of the numbers that the pictures stand for, 0, 1, 2, 3 and 10, 20, 30, 40."""
    return float(torch.tensor([0.0, 1, 2, 3, 10, 20, 30, 40])[chosen].std())


def test_the_more_varied_half_wins() -> None:
    found = varied_and_alike(batch(8), spread, "metric:x", torch.Generator().manual_seed(0))
    wins, loses = ([int(getattr(pair, side)[0, 0, 0]) for pair in found] for side in ("win", "lose"))
    assert len(found) == 4 and sorted(wins + loses) == list(range(8))
    assert spread(torch.tensor(wins)) > spread(torch.tensor(loses)) + 5
    again = varied_and_alike(batch(8), spread, "metric:x", torch.Generator().manual_seed(0))
    assert [int(pair.win[0, 0, 0]) for pair in again] == wins


def test_an_odd_one_is_left_out_and_ties_are_no_pair() -> None:
    draw = torch.Generator().manual_seed(0)
    assert len(varied_and_alike(batch(7), spread, "metric:x", draw)) == 3
    assert varied_and_alike(batch(6), lambda chosen: 1.0, "metric:x", draw) == []
    with pytest.raises(InputError, match="need at least 4 pictures a prompt, not 3"):
        varied_and_alike(batch(3), spread, "metric:x", draw)
