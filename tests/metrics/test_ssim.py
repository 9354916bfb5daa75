from __future__ import annotations

import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from t2ialign import torchvision_guard
from t2ialign.metrics import METRICS
from t2ialign.types import InputError
from tests.metrics.features import natural

torchvision_guard.install()
piq = pytest.importorskip("piq")
functional = pytest.importorskip("torchmetrics.functional.image")

SIZES = [(64, 64), (37, 53), (130, 97), (11, 11)]


def random_images(n: int, size: tuple[int, int]) -> Tensor:
    return torch.randint(0, 256, (n, 3, *size), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)


def both_ways(images: Tensor) -> list[tuple[int, int]]:
    return [(i, j) for i in range(len(images)) for j in range(len(images)) if i < j]


@pytest.mark.slow
@pytest.mark.parametrize("size", ["natural", *SIZES], ids=str)
def test_equals_piq_and_torchmetrics(size: str | tuple[int, int]):
    images = natural() if size == "natural" else random_images(3, size)
    pairs = 1 - METRICS["ssim"].compute({"images": images})
    unit = images.double() / 255  # in fp32 the authorities themselves are 1e-5 off on flat parts of photographs
    for i, j in both_ways(images):
        x, y = unit[i : i + 1], unit[j : j + 1]
        assert pairs[i, j].item() == pytest.approx(piq.ssim(x, y, downsample=False).item(), rel=1e-5, abs=1e-6)
        # torchmetrics reflects the picture at its border and averages over that too: only its inner map is Wang's.
        _, whole = functional.structural_similarity_index_measure(x, y, data_range=1.0, return_full_image=True)
        assert pairs[i, j].item() == pytest.approx(whole[..., 5:-5, 5:-5].mean().item(), rel=1e-5, abs=1e-6)


def test_equals_scikit_image():
    images = natural()
    pairs = METRICS["ssim"].compute({"images": images})
    arrays = images.permute(0, 2, 3, 1).numpy()
    for i, j in both_ways(images):
        wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        expected = structural_similarity(arrays[i], arrays[j], channel_axis=2, data_range=255, **wang)
        assert 1 - pairs[i, j].item() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_constant_pictures():
    """By hand: without variance only the luminance term (2 a b + C1) / (a^2 + b^2 + C1) is left."""
    images = torch.stack([torch.full((3, 16, 16), value, dtype=torch.uint8) for value in (0, 51, 255)])
    pairs = METRICS["ssim"].compute({"images": images})
    assert pairs[0, 2].item() == pytest.approx(1 - 1e-4 / (1 + 1e-4), rel=1e-6)
    assert pairs[1, 2].item() == pytest.approx(1 - (0.4 + 1e-4) / (0.04 + 1 + 1e-4), rel=1e-6)


@pytest.mark.parametrize("images", [natural(), random_images(4, (33, 40))], ids=["natural", "noise"])
def test_a_picture_is_at_no_distance_from_itself_and_never_at_less(images: Tensor):
    own = METRICS["ssim"].compute({"images": images}).diagonal()
    assert (own >= 0).all() and own.max() < 1e-6


def test_too_small_pictures_are_refused():
    with pytest.raises(InputError, match="at least 11 x 11 pixels, and these are 10 x 30"):
        METRICS["ssim"].compute({"images": random_images(2, (30, 10))})
