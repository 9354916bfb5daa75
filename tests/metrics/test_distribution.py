from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from t2ialign import torchvision_guard
from t2ialign.metrics import distribution
from t2ialign.metrics.distribution import DISTRIBUTIONS, cmmd, frechet_distance, kid, polynomial_kernel
from t2ialign.types import InputError

torchvision_guard.install()
torchmetrics_fid = pytest.importorskip("torchmetrics.image.fid")
torchmetrics_kid = pytest.importorskip("torchmetrics.image.kid")


def populations(n: int, m: int, d: int, shift: float = 0.3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=draw) / d**0.5
    return torch.randn(n, d, generator=draw), torch.randn(m, d, generator=draw) @ mix + shift


def test_frechet_equals_scipy_and_torchmetrics():
    a, b = populations(200, 150, 12)
    first, second = (np.cov(x.double().numpy(), rowvar=False) for x in (a, b))
    gap = (a.double().mean(0) - b.double().mean(0)).square().sum().item()
    expected = gap + np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert frechet_distance(a, b).mean == pytest.approx(expected, rel=1e-8)
    means = [x.double().mean(0) for x in (a, b)]
    theirs = torchmetrics_fid._compute_fid(means[0], torch.cov(a.double().T), means[1], torch.cov(b.double().T))
    assert frechet_distance(a, b).mean == pytest.approx(theirs.item(), rel=1e-6)


def test_frechet_of_scaled_populations_by_hand():
    """b = 2 a + 1: |mean|^2 + tr(S + 4 S - 4 S) = sum (mean + 1)^2 + tr S."""
    a, _ = populations(60, 60, 5)
    expected = (a.double().mean(0) + 1).square().sum() + torch.cov(a.double().T).trace()
    assert frechet_distance(a, 2 * a + 1).mean == pytest.approx(expected.item(), rel=1e-6)
    assert frechet_distance(a, a).mean == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("n", "m"), [(12, 400), (400, 12)])
def test_frechet_refuses_below_the_rank(n: int, m: int):
    with pytest.raises(
        InputError, match=f"over 12 features needs more than 12 .* here are {n} and {m}; take KID or CMMD"
    ):
        frechet_distance(*populations(n, m, 12))


def test_kid_equals_torchmetrics():
    a, b = populations(40, 40, 8)
    assert kid(a, b).mean == pytest.approx(torchmetrics_kid.poly_mmd(a.double(), b.double()).item(), rel=1e-6)


def test_cmmd_by_hand():
    """Two points against two: unit vectors at right angles are sqrt(2) apart, so k = 1000 exp(-2 / 200) or 1000."""
    x, y = torch.tensor([1.0, 0]), torch.tensor([0, 2.0])
    a, b = torch.stack([x, y, x]), torch.stack([y, y, y])
    near, far = 1000, 1000 * math.exp(-0.01)
    expected = (near + 2 * far) / 3 + near - 2 * (2 * far + near) / 3
    assert cmmd(a, b).mean == pytest.approx(expected)


@pytest.mark.slow
def test_kernel_distances_of_one_population_are_zero_on_average_at_any_size():
    """The published V-statistic of CMMD is 1 at n = 8, where nothing differs."""
    draw = torch.Generator().manual_seed(1)
    pairs = [torch.randn(2, 8, 16, generator=draw) for _ in range(200)]
    for distance in (kid, cmmd):
        values = torch.tensor([distance(a, b).mean for a, b in pairs])
        assert abs(values.mean()) < 4 * values.std() / 200**0.5


@pytest.mark.slow
def test_pictures_of_the_same_seeds_are_no_reason_to_be_closer_than_alike():
    """By its definition, and zero on average where nothing differs although a_i and b_i are nearly the same."""
    draw = torch.Generator().manual_seed(2)
    a = torch.randn(6, 4, generator=draw)
    b = a + 0.5 * torch.randn(6, 4, generator=draw) + 0.3
    k = {
        name: polynomial_kernel(x.double(), y.double())
        for name, (x, y) in {"a": (a, a), "b": (b, b), "ab": (a, b)}.items()
    }
    off = ~torch.eye(6, dtype=torch.bool)
    by_hand = (k["a"] + k["b"] - k["ab"] - k["ab"].T)[off].mean().item()
    assert kid(a, b, paired=True).mean == pytest.approx(by_hand)
    assert kid(a, a, paired=True).mean == pytest.approx(0, abs=1e-12)
    shared = torch.randn(200, 8, 16, generator=draw)
    noise = 0.3 * torch.randn(2, 200, 8, 16, generator=draw)
    for distance in (kid, cmmd):
        found = [distance(x + n, x + m, paired=True) for x, n, m in zip(shared, *noise, strict=True)]
        means = torch.tensor([interval.mean for interval in found])
        assert abs(means.mean()) < 4 * means.std() / 200**0.5
        assert np.mean([interval.lo <= 0 <= interval.hi for interval in found]) > 0.85
    assert torch.tensor([kid(x, x).mean for x in shared]).mean() < -0.1, "what is wrong without"
    with pytest.raises(InputError, match="three pictures on each side, and here are 2 and 2"):
        kid(a[:2], b[:2], paired=True)


@pytest.mark.slow
def test_interval_covers_and_narrows():
    truth = kid(*populations(3000, 3000, 6, seed=7)).mean
    mixing = populations(3000, 3000, 6, seed=7)
    found = [kid(a, b) for a, b in zip(mixing[0].split(60), mixing[1].split(60), strict=True)]
    assert np.mean([interval.lo <= truth <= interval.hi for interval in found]) > 0.85
    wide, narrow = found[0], kid(mixing[0][:1000], mixing[1][:1000])
    assert narrow.hi - narrow.lo < (wide.hi - wide.lo) / 2


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch):
    a, b = populations(30, 20, 4)
    whole = kid(a, b)
    monkeypatch.setattr(distribution, "BLOCK", 64)
    assert kid(a, b).mean == pytest.approx(whole.mean)


def test_kernel_distances_need_three():
    with pytest.raises(InputError, match="three pictures on each side, and here are 2 and 9"):
        kid(*populations(2, 9, 4))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_menu(name: str):
    entry = DISTRIBUTIONS[name]
    assert entry.name == name
    assert all((entry.title, entry.feature, entry.unit, entry.reference, entry.summary))
    assert entry.compute(*populations(30, 25, 4)).mean > 0
