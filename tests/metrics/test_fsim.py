from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve

from t2ialign import torchvision_guard
from t2ialign.metrics import METRICS, fsim, fsim_paper
from t2ialign.metrics.log_gabor import SIZES, filter_bank
from tests.metrics.features import crops, natural

torchvision_guard.install()
piq = pytest.importorskip("piq")


def noise(height: int, width: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (3, 3, height, width), generator=draw, dtype=torch.uint8)


SETS = {"natural": natural(), "odd crops": crops(), "even noise": noise(40, 52), "shrunk": noise(390, 410)}


@pytest.mark.parametrize("images", SETS.values(), ids=SETS)
def test_equals_piq(images: torch.Tensor):
    pairs, unit = METRICS["fsim"].compute({"images": images}), images.double() / 255
    for i in range(1, len(images)):
        expected = piq.fsim(unit[:1], unit[i : i + 1], chromatic=False).item()
        assert 1 - pairs[0, i].item() == pytest.approx(expected, rel=1e-5)


def slopes(levels: np.ndarray) -> np.ndarray:
    """Scharr's gradient, as a loop over numpy, with zeros outside."""
    taps = np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]]) / 16
    return np.hypot(convolve(levels, taps, mode="constant"), convolve(levels, taps.T, mode="constant"))


@pytest.mark.parametrize("size", [(32, 32), (61, 55)], ids=str)
def test_constant_pictures(size: tuple[int, int]):
    """Nothing is congruent or all of it is (1, the limit): what remains are the steps to the zeros outside."""
    images = torch.stack([torch.full((3, *size), value, dtype=torch.uint8) for value in (40, 90, 200)])
    found = METRICS["fsim"].compute({"images": images})
    x, y, z = (slopes(np.full(size, float(value))) for value in (40, 90, 200))
    for pair, (a, b) in {(0, 1): (x, y), (0, 2): (x, z), (1, 2): (y, z)}.items():
        expected = ((2 * a * b + 160) / (a**2 + b**2 + 160)).mean()
        assert 1 - found[pair].item() == pytest.approx(expected, rel=1e-5)


def test_pictures_of_many_sizes_leave_the_filters_of_a_few():
    kept = (filter_bank, fsim.filters, fsim_paper.filters)
    for side in range(12, 20):
        fsim.filters(side, 11, "cpu")
        fsim_paper.filters(side, 11, "cpu")
    assert all(one.cache_info().currsize == SIZES for one in kept)
