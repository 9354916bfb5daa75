import math

import numpy as np
import pytest
import torch

from t2ialign.charts.landscape import Member, View
from t2ialign.charts.theory import (
    CLOUD,
    CURVES,
    PATH,
    Cloud,
    contour_figure,
    curve_figure,
    ratio_figure,
    surface_figure,
)
from t2ialign.divergences import DIVERGENCES

ORDER = tuple(DIVERGENCES)
VIEW = View(0.05, 20, True, 12.0)
PAIRS = Cloud(torch.tensor([[0.5, -0.5], [1.0, -9.0]]).double(), torch.tensor([[0.0, 0.0], [0.75, -1.0]]).double())


def members(beta: float = 2.0) -> list[Member]:
    return [Member(name, name, kind(), beta) for name, kind in DIVERGENCES.items()]


def trace(chart, name: str):
    return next(one for one in chart.data if one.name == name)


@pytest.mark.parametrize("curve", CURVES)
def test_curves_are_drawn_times_beta(curve):
    single, doubled = (curve_figure(members(beta), curve, ORDER) for beta in (1.0, 2.0))
    for one, two in zip(single.data, doubled.data):
        assert np.allclose(2 * np.array(one.y), two.y)


def test_f_rests_on_zero_at_one_and_is_nowhere_below():
    for line in curve_figure(members(), "f", ORDER).data:
        assert min(line.y) == pytest.approx(0, abs=1e-3) and line.x[int(np.argmin(line.y))] == pytest.approx(
            1, abs=0.02
        )


def test_every_divergence_keeps_its_line_whoever_else_is_shown():
    alone = curve_figure([members()[3]], "f", ORDER).data[0]
    among = curve_figure(members(), "f", ORDER).data[3]
    assert alone.line == among.line
    assert len({(line.line.color, line.line.dash) for line in curve_figure(members(), "f", ORDER).data}) == 4


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("one", members(), ids=lambda one: one.name)
def test_landscape_is_the_loss_cut_at_the_top(one: Member, dark: bool):
    chart = surface_figure(one, VIEW, PAIRS, dark)
    height = np.array(chart.data[0].z)
    assert height.max() <= VIEW.top and height.min() >= 0
    middle = height.shape[0] // 2
    assert height[middle, middle] == pytest.approx(math.log(2), abs=1e-6)  # X1 = X2 = 1
    assert height[-1, 0] > height[0, -1]  # a likely loser costs, a likely winner does not


def test_pairs_ride_on_the_surface_and_stay_in_the_view():
    chart = surface_figure(members()[0], VIEW, PAIRS)
    cloud, path = trace(chart, CLOUD), trace(chart, PATH)
    assert len(cloud.x) == len(path.x) == 2
    assert min(cloud.y) == pytest.approx(math.log(0.05))  # the pair at X2 = e^-9 stands at the edge
    loss = math.log1p(math.exp(-2 * 1.0))
    assert loss < cloud.z[0] < loss + 0.05 * VIEW.top


def test_seen_from_above_it_is_the_same_picture():
    space, above = (draw(members()[1], VIEW, PAIRS) for draw in (surface_figure, contour_figure))
    assert np.allclose(space.data[0].z, above.data[0].z)
    assert list(trace(above, CLOUD).x) == list(trace(space, CLOUD).x)


def test_arrows_point_downhill():
    """Reverse KL: winner up, loser down, by the same factor everywhere."""
    shafts = contour_figure(members()[0], VIEW).data[1]
    x, y = np.array(shafts.x, dtype=float).reshape(-1, 3), np.array(shafts.y, dtype=float).reshape(-1, 3)
    across, up = x[:, 1] - x[:, 0], y[:, 1] - y[:, 0]
    assert (across > 0).all() and np.allclose(across, -up, atol=2e-4)


def test_without_a_run_the_cloud_is_empty_but_there():
    assert len(trace(surface_figure(members()[0], VIEW), CLOUD).x) == 0


def test_ratio_lines_lie_in_theorem_4s_order():
    chart = ratio_figure(members(), ORDER)
    lines = {line.name: np.array(line.y)[1:-1] for line in chart.data if line.name}
    assert (lines["forward_kl"] < lines["alpha"]).all() and (lines["alpha"] < lines["reverse_kl"]).all()
    band = next(one for one in chart.data if one.fill == "toself")
    half = len(band.y) // 2
    x = np.array(band.x[:half])
    assert np.allclose(band.y[:half], x**2, atol=2e-3) and np.allclose(band.y[half:][::-1], x, atol=2e-3)
