import math

import pytest
import torch

from t2ialign.charts.landscape import Member, View, gradient_ratio, loss, push
from t2ialign.divergences import DIVERGENCES

LOG2 = math.log(2)


def member(name: str, beta: float = 1.0) -> Member:
    return Member(name, name, DIVERGENCES[name](), beta)


def places(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_loss_is_log_two_where_winner_and_loser_stand_alike(name: str):
    same = places(-2, 0, 1.5)
    assert loss(member(name, 3), same, same).tolist() == pytest.approx([LOG2] * 3)


def test_loss_by_hand():
    """Reverse KL with beta 2 at X1 = e, X2 = 1: log(1 + e^-2)."""
    assert float(loss(member("reverse_kl", 2), places(1), places(0))) == pytest.approx(math.log1p(math.exp(-2)))


@pytest.mark.parametrize("name", DIVERGENCES)
@pytest.mark.parametrize("logarithmic", [True, False])
def test_push_is_minus_the_gradient_of_the_loss(name: str, logarithmic: bool):
    """Against autograd through the stable score: theorem 3 uses f'' instead."""
    axes = [places(-1.2, 0.3, 2).requires_grad_(), places(0.4, -0.9, 1).requires_grad_()]
    if not logarithmic:
        axes = [axis.detach().exp().requires_grad_() for axis in axes]
    logs = axes if logarithmic else [axis.log() for axis in axes]
    loss(member(name, 1.7), *logs).sum().backward()
    pushed = push(member(name, 1.7), *(axis.detach() for axis in logs), logarithmic)
    for got, axis in zip(pushed, axes):
        assert torch.allclose(got, -axis.grad, rtol=1e-5)


def test_reverse_kl_moves_winner_and_loser_by_equal_factors():
    up, down = push(member("reverse_kl"), places(-1, 0, 2), places(1, 0.5, -3), logarithmic=True)
    assert torch.allclose(up, -down)


def test_theorem_4():
    """X2/X1 < 1: forward KL's ratio is the lowest, reverse KL's the highest, in its own closed form."""
    win, lose = places(1.1, 2, 5), places(0.9, 0.5, 0.01)
    ratios = {name: gradient_ratio(kind(), win, lose) for name, kind in DIVERGENCES.items()}
    assert torch.allclose(ratios["reverse_kl"], lose / win)
    assert torch.allclose(ratios["jensen_shannon"], lose * (lose + 1) / (win * (win + 1)))
    for name in ("alpha", "jensen_shannon"):
        assert bool((ratios["forward_kl"] < ratios[name]).all() and (ratios[name] < ratios["reverse_kl"]).all())


@pytest.mark.parametrize("logarithmic", [True, False])
def test_a_view_keeps_places_and_log_ratios_apart(logarithmic: bool):
    view = View(0.1, 10, logarithmic, 5)
    axis = view.axis(5)
    assert view.log_ratio(axis)[[0, -1]].exp().tolist() == pytest.approx([0.1, 10])
    assert torch.allclose(view.place(view.log_ratio(axis)), axis)
    assert torch.allclose(view.place(places(-99, 99)), axis[[0, -1]])  # nothing leaves the view
