import math

import torch

from t2ialign.charts.strip import StripRow, piles, strip_figure
from t2ialign.types import Score


def row(label: str, values: list[float], seeds=range(3)) -> StripRow:
    return StripRow(label, seeds, Score("faith", "1", "alignment", "image", torch.tensor(values), 0.5, 0.4, 0.6))


def test_every_scored_picture_is_a_dot_with_its_seed(x_metric):
    dots, mean, *_ = strip_figure(
        [row("base", [0.25, math.nan, 0.75], seeds=[7, 8, 9]), row("spo", [1, 1, 0.5])], x_metric
    ).data
    assert dots.x == (0.25, 0.75) and [entry[0] for entry in dots.customdata] == [7, 9]
    assert dots.hovertext == ("seed 7: 0.25", "seed 9: 0.75") and mean.x == (0.5,)


def test_equal_values_do_not_hide_each_other(x_metric):
    offsets = piles([0.5, 0.5, 0.5, 0.9], step=0.1)
    assert len(set(offsets[:3])) == 3 and offsets[3] == 0
    assert max(map(abs, piles([1.0] * 64, step=0.1))) < 0.4


def test_one_value_and_none(x_metric):
    assert len(strip_figure([row("base", [0.5], seeds=[0])], x_metric).data) == 2
    assert not strip_figure([row("base", [math.nan] * 3)], x_metric).data
