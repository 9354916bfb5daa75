from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from t2ialign.metrics import METRICS
from t2ialign.metrics.factor_diversity import ENTRIES, spread
from t2ialign.metrics.scoring import score_features

NAN = math.nan


def features(**groups: list) -> dict[str, Tensor]:
    """Three pictures; groups that are not given are left open by nobody."""
    return {entry: torch.tensor(groups.get(entry.split("_")[1], [[]] * 3)).reshape(3, -1, 2) for entry in ENTRIES}


def test_by_hand():
    """Background: distances 5, 5 and 6, mean 16 / 3. Place: 1, 2 and 1, mean 4 / 3. Together (16 / 3 + 4 / 3) / 2."""
    found = features(background=[[[0.0, 0]], [[3, 4]], [[6, 0]]], place=[[[0.0, 0]], [[1, 0]], [[2, 0]]])
    assert METRICS["factor_diversity"].compute(found).item() == pytest.approx(10 / 3)
    assert METRICS["factor_background"].compute(found).item() == pytest.approx(16 / 3)
    assert METRICS["factor_place"].compute(found).item() == pytest.approx(4 / 3)


def test_a_picture_that_does_not_show_a_thing_adds_no_spread():
    """The second thing is seen in the first two pictures only: 4 apart; the first is 1, 3 and 2 apart, mean 2."""
    units = torch.tensor([[[0.0], [0.0]], [[1.0], [4.0]], [[3.0], [NAN]]])
    assert spread(units).item() == pytest.approx((2 + 4) / 2)


def test_what_is_not_shown_shifts_no_weight_between_groups():
    """Backgrounds are 1 apart, places 9. A place that cannot be read in one picture leaves (1 + 9) / 2 as it is."""
    apart = 3**0.5
    background = [[[0.0, 0]], [[1, 0]], [[0.5, apart / 2]]]
    place = [[[0.0, 0]], [[9, 0]], [[4.5, 9 * apart / 2]]]
    whole = METRICS["factor_diversity"].compute(features(background=background, place=place)).item()
    less = METRICS["factor_diversity"].compute(features(background=background, place=[*place[:2], [[NAN, NAN]]])).item()
    assert whole == pytest.approx(5) and less == pytest.approx(5)


def test_a_group_that_the_prompt_leaves_no_room_does_not_count():
    found = features(background=[[[0.0, 0]], [[3, 4]], [[6, 0]]])
    assert METRICS["factor_diversity"].compute(found).item() == pytest.approx(16 / 3)
    assert math.isnan(score_features(METRICS["factor_size"], found).mean)


def test_one_is_as_varied_as_the_prior():
    """Units in which two draws of a prior are 1 apart (2 / sqrt(pi) for the standard normal): other draws score 1."""
    draw = torch.Generator().manual_seed(0)
    found = {entry: torch.randn(1500, 2, 1, generator=draw) / (2 / math.sqrt(math.pi)) for entry in ENTRIES}
    assert METRICS["factor_diversity"].compute(found).item() == pytest.approx(1, abs=0.02)


@pytest.mark.slow
def test_the_number_of_pictures_does_not_matter():
    draw = torch.Generator().manual_seed(1)
    sets = [{entry: torch.randn(4, 1, 3, generator=draw) for entry in ENTRIES} for _ in range(400)]
    few = torch.stack([METRICS["factor_diversity"].compute(found) for found in sets]).mean().item()
    many = {entry: torch.cat([found[entry] for found in sets]) for entry in ENTRIES}
    assert few == pytest.approx(METRICS["factor_diversity"].compute(many).item(), rel=0.03)
