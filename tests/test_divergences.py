"""The divergences against the paper's table 1 and theorems 3 and 4, against autograd, and at the ends of fp32."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from t2ialign.divergences import (
    DIVERGENCES,
    Alpha,
    Divergence,
    ForwardKl,
    JensenShannon,
    ReverseKl,
    curvature,
    matched_beta,
    parse_divergence,
)
from t2ialign.types import InputError

ALL = [ReverseKl(), ForwardKl(), JensenShannon(), *(Alpha(alpha) for alpha in (0.2, 0.4, 0.6, 0.8))]
EACH = pytest.mark.parametrize("divergence", ALL, ids=str)
RATIOS = torch.tensor([0.01, 0.3, 0.999, 1.0, 1.7, 40.0], dtype=torch.float64)


def derivative(function, x: torch.Tensor) -> torch.Tensor:
    x = x.clone().requires_grad_(True)
    return torch.autograd.grad(function(x).sum(), x)[0]


@pytest.mark.parametrize(
    ("divergence", "f", "f_prime", "f_second"),
    [
        (ReverseKl(), 2 * math.log(2), math.log(2) + 1, 1 / 2),
        (ForwardKl(), -math.log(2), -1 / 2, 1 / 4),
        (Alpha(0.5), 6 - 4 * math.sqrt(2), 2 - math.sqrt(2), 2**-1.5),
        (JensenShannon(), 2 * math.log(4 / 3) + math.log(2 / 3), math.log(4 / 3), 1 / 6),
    ],
    ids=str,
)
def test_table_1_at_two(divergence: Divergence, f: float, f_prime: float, f_second: float):
    """Worked by hand from the formulas of table 1 at x = 2."""
    two = torch.tensor(2.0, dtype=torch.float64)
    found = [float(function(two)) for function in (divergence.f, divergence.f_prime, divergence.f_second)]
    assert found == pytest.approx([f, f_prime, f_second], rel=1e-12)


@EACH
def test_table_1_columns_are_derivatives_of_each_other(divergence: Divergence):
    assert float(divergence.f(torch.ones((), dtype=torch.float64))) == pytest.approx(0, abs=1e-15)
    torch.testing.assert_close(derivative(divergence.f, RATIOS), divergence.f_prime(RATIOS))
    torch.testing.assert_close(derivative(divergence.f_prime, RATIOS), divergence.f_second(RATIOS))
    assert (divergence.f_second(RATIOS) > 0).all()  # convex


@EACH
def test_score_is_f_prime_up_to_its_value_at_one(divergence: Divergence):
    u = torch.linspace(-8, 8, 33, dtype=torch.float64)
    one = torch.ones((), dtype=torch.float64)
    torch.testing.assert_close(divergence.score(u), divergence.f_prime(u.exp()) - divergence.f_prime(one))
    torch.testing.assert_close(derivative(divergence.score, u), u.exp() * divergence.f_second(u.exp()))


@EACH
def test_score_has_the_numerical_gradient(divergence: Divergence):
    u = torch.linspace(-5, 5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(divergence.score, (u,))


@EACH
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_score_is_finite_and_monotone_in_fp32_at_any_log_ratio(divergence: Divergence, dtype: torch.dtype):
    u = torch.tensor([-3e4, -100.0, -88.8, -20.5, -19.5, 0.0, 20.0, 100.0, 3e4], dtype=dtype, requires_grad=True)
    score = divergence.score(u)
    (slope,) = torch.autograd.grad(score.sum(), u)
    assert score.dtype == torch.float32
    assert score.isfinite().all() and (score.diff() >= 0).all()
    assert (slope >= 0).all() and (slope.float().isfinite().all() or dtype == torch.float16)


@EACH
def test_slope_keeps_its_digits_in_fp32(divergence: Divergence):
    u = torch.linspace(-15, 8, 24, dtype=torch.float64)
    exact = u.exp() * divergence.f_second(u.exp())
    torch.testing.assert_close(derivative(divergence.score, u.float()).double(), exact, rtol=1e-5, atol=1e-6)


def test_score_goes_on_as_its_tangent_below_the_floor():
    """Forward KL at u = -100: e^100 does not exist in fp32; the slope stays at e^20."""
    for divergence in (ForwardKl(), Alpha(0.5)):
        floor = torch.tensor(divergence.floor, dtype=torch.float64)
        below = floor - torch.tensor([0.0, 10.0, 80.0], dtype=torch.float64)
        slope = derivative(divergence.score, below[1:])
        torch.testing.assert_close(slope, torch.full_like(slope, math.exp(20)))
        expected = divergence.score(floor) + math.exp(20) * (below - floor)
        torch.testing.assert_close(divergence.score(below), expected)
        assert float(derivative(divergence.score, floor + 1e-9)) == pytest.approx(math.exp(20), rel=1e-6)
    assert ReverseKl().floor == JensenShannon().floor == -math.inf


def test_score_at_zero_is_zero_and_exact_nearby():
    """1 - exp(-u) would lose half its digits here."""
    tiny = torch.tensor([0.0, 1e-6, -1e-6])
    for divergence in (ForwardKl(), Alpha(0.4)):
        torch.testing.assert_close(divergence.score(tiny), tiny, rtol=1e-5, atol=0)


ratio = st.floats(1e-3, 1e3)


def loss_of(divergence: Divergence, beta: float, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return -torch.nn.functional.logsigmoid(beta * (divergence.f_prime(first) - divergence.f_prime(second)))


@pytest.mark.slow
@EACH
@given(ratio, ratio, st.floats(0.1, 10))
def test_theorem_3(divergence: Divergence, first: float, second: float, beta: float):
    """The partial derivatives of -log sigmoid(beta f'(X1) - beta f'(X2)), by autograd and as the paper states them."""
    x1, x2 = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (first, second))
    found = torch.autograd.grad(loss_of(divergence, beta, x1, x2), (x1, x2))
    lost = torch.sigmoid(-beta * (divergence.f_prime(x1) - divergence.f_prime(x2)))
    expected = (-beta * lost * divergence.f_second(x1), beta * lost * divergence.f_second(x2))
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-300)


@given(ratio, st.floats(1e-3, 0.999))
def test_theorem_4(first: float, quotient: float):
    """Gradient ratios |dL/dX1 : dL/dX2| = f''(X1) / f''(X2), in closed form and in the paper's order."""
    second = first * quotient
    x1, x2 = (torch.tensor(x, dtype=torch.float64) for x in (first, second))
    ratios = {str(divergence): float(divergence.f_second(x1) / divergence.f_second(x2)) for divergence in ALL}
    closed = {str(Alpha(alpha)): quotient ** (1 + alpha) for alpha in (0.2, 0.4, 0.6, 0.8)}
    closed |= {
        str(ReverseKl()): quotient,
        str(ForwardKl()): quotient**2,
        str(JensenShannon()): second * (second + 1) / (first * (first + 1)),
    }
    assert ratios == pytest.approx(closed, rel=1e-9)
    assert 0 < ratios[str(ForwardKl())] < ratios[str(JensenShannon())] < ratios[str(ReverseKl())] < 1
    ordered = [ratios[str(d)] for d in (ForwardKl(), Alpha(0.8), Alpha(0.6), Alpha(0.4), Alpha(0.2), ReverseKl())]
    assert ordered == sorted(ordered) and len(set(ordered)) == 6


def test_jensen_shannon_is_half_of_reverse_kl_to_first_order():
    u = torch.tensor([-1e-3, 1e-3], dtype=torch.float64)
    torch.testing.assert_close(JensenShannon().score(u), u / 2, rtol=1e-3, atol=0)
    opposite = torch.linspace(0.1, 6, 9, dtype=torch.float64)  # and exactly, where the loser mirrors the winner
    margin = JensenShannon().score(opposite) - JensenShannon().score(-opposite)
    torch.testing.assert_close(margin, opposite)


@EACH
def test_matched_beta_makes_all_equally_strong_at_first(divergence: Divergence):
    u = torch.tensor([1e-6], dtype=torch.float64)
    torch.testing.assert_close(matched_beta(divergence, 3.0) * divergence.score(u), 3.0 * u, rtol=1e-5, atol=0)
    assert curvature(divergence) == (0.5 if divergence == JensenShannon() else 1.0)


def test_alpha_runs_from_reverse_to_forward_kl():
    u = torch.linspace(-3, 3, 13, dtype=torch.float64)
    torch.testing.assert_close(Alpha(1e-7).score(u), ReverseKl().score(u), rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(Alpha(1 - 1e-9).score(u), ForwardKl().score(u), rtol=1e-6, atol=1e-7)


def test_menu_and_spellings():
    assert set(DIVERGENCES) == {"reverse_kl", "forward_kl", "alpha", "jensen_shannon"}
    assert DIVERGENCES["alpha"]() == Alpha(0.4)
    assert all(isinstance(kind(), Divergence) for kind in DIVERGENCES.values())
    spellings = {"rkl": ReverseKl(), "fkl": ForwardKl(), "js": JensenShannon(), "jensen-shannon": JensenShannon()}
    spellings |= {"alpha": Alpha(0.4), "alpha=0.6": Alpha(0.6), " Reverse_KL ": ReverseKl()}
    assert {text: parse_divergence(text) for text in spellings} == spellings


@pytest.mark.parametrize(
    ("spelling", "sentence"),
    [
        ("kl", "There is no divergence called 'kl'"),
        ("alpha=1", "between 0 and 1, not 1"),
        ("alpha=nan", "between 0 and 1, not nan"),
        ("alpha=much", "'much' is no number"),
        ("js=0.5", "takes no number"),
    ],
)
def test_bad_spellings(spelling: str, sentence: str):
    with pytest.raises(InputError, match=sentence):
        parse_divergence(spelling)
