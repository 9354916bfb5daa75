"""Every metric of pixels beside an authority outside the project, on every kind of picture, all pairs to 1e-5."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from skimage.measure import shannon_entropy
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from t2ialign import torchvision_guard
from t2ialign.encoders import lpips as lpips_encoder
from t2ialign.metrics import METRICS
from t2ialign.metrics.entropy_1d import grey
from t2ialign.types import Prompt
from tests.metrics.features import crops, natural

torchvision_guard.install()
piq = pytest.importorskip("piq")

KINDS: dict[str, Callable[[], Tensor]] = {
    "photographs": lambda: natural(48),
    "odd sizes": crops,
    "noise": lambda: noise(3, 37, 53),
    "grey": lambda: crops()[:3].float().mean(1, keepdim=True).round().to(torch.uint8).expand(-1, 3, -1, -1),
    "one bit": lambda: noise(2, 40, 33).div(128, rounding_mode="floor") * 255,
    "nearly alike": lambda: torch.stack([crops()[0], crops()[0] ^ (torch.arange(55) == 27).to(torch.uint8)]),
    "constant and not": lambda: torch.stack([torch.full((3, 61, 55), 90, dtype=torch.uint8), crops()[0]]),
    "constants": lambda: torch.stack([torch.full((3, 32, 30), v, dtype=torch.uint8) for v in (0, 51, 255)]),
    "two": lambda: natural(32)[:2],
}


def noise(n: int, height: int, width: int) -> Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (n, 3, height, width), generator=draw, dtype=torch.uint8)


def array(image: Tensor) -> np.ndarray:
    return image.permute(1, 2, 0).numpy()


def unit(image: Tensor) -> Tensor:
    """In float64: fp32 authorities are themselves 1e-5 off on flat parts of photographs."""
    return image[None].double() / 255


def mse(x: Tensor, y: Tensor) -> float:
    return float((x.double() - y.double()).square().mean())


def structure_12_bit(x: Tensor, y: Tensor) -> float:
    return 1 - float(structural_similarity(array(x), array(y), channel_axis=2, data_range=4095))


def bands(x: Tensor, y: Tensor) -> float:
    return float((x.double() - y.double()).square().mean((1, 2)).sqrt().mean()) / 4095


PAIRS: dict[str, Callable[[Tensor, Tensor], float]] = {
    "ssim": lambda x, y: 1 - piq.ssim(unit(x), unit(y), downsample=False).item(),
    "fsim": lambda x, y: 1 - piq.fsim(unit(x), unit(y), chromatic=False).item(),
    "fsimc": lambda x, y: 1 - piq.fsim(unit(x), unit(y), chromatic=True).item(),
    "rmse": lambda x, y: math.sqrt(mse(x, y)) / 255,
    "psnr": lambda x, y: float(peak_signal_noise_ratio(array(x), array(y), data_range=255)),
    "ssim_paper": structure_12_bit,
    "rmse_paper": bands,
    "psnr_paper": lambda x, y: float(peak_signal_noise_ratio(array(x).astype(int), array(y), data_range=4095)),
}


FLAT = {(name, kind) for name in ("fsim", "fsimc") for kind in ("constant and not", "constants")}
"""Where piq divides the rounding of one Fourier transform by that of another; tests/metrics/test_fsim.py has the limit."""
CASES = [(name, kind) for name in PAIRS for kind in KINDS if (name, kind) not in FLAT]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_pairs_equal_the_authority(name: str, kind: str) -> None:
    images = KINDS[kind]()
    found = METRICS[name].compute({"images": images})
    for i in range(len(images)):
        for j in range(i):
            expected = min(PAIRS[name](images[i], images[j]), METRICS[name].bounds[1])  # PSNR's end is the rounding
            assert found[i, j].item() == pytest.approx(expected, rel=1e-5, abs=1e-6 if "psnr" not in name else 1e-5)


def by_pixel(image: Tensor, exact: bool) -> float:
    """Abutaleb's definition as a loop; ``exact`` as behind the paper's table: no rounding, counts over (H + 2)(W + 2)."""
    levels = grey(image[None])[0].numpy().astype(int)
    padded, counts = np.pad(levels, 1), Counter()
    for row, column in np.ndindex(levels.shape):
        total = padded[row : row + 3, column : column + 3].sum() - levels[row, column]
        counts[levels[row, column], total if exact else (total + 4) // 8] += 1
    pixels = padded.size if exact else levels.size
    return -sum(count / pixels * math.log2(count / pixels) for count in counts.values())


SINGLE: dict[str, Callable[[Tensor], float]] = {
    "entropy_1d": lambda image: float(shannon_entropy(grey(image[None])[0].numpy())),
    "entropy_2d": lambda image: by_pixel(image, exact=False),
    "entropy_2d_paper": lambda image: by_pixel(image, exact=True),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SINGLE)
def test_pictures_equal_the_authority(name: str, kind: str) -> None:
    images = KINDS[kind]()
    expected = [SINGLE[name](image) for image in images]
    assert METRICS[name].compute({"images": images}).tolist() == pytest.approx(expected, rel=1e-5, abs=1e-6)


@cache
def package():
    torch.manual_seed(0)
    return lpips_encoder.package_model("squeeze", random_trunk=True).eval()


@pytest.mark.parametrize("kind", KINDS)
def test_lpips_equals_the_package(kind: str) -> None:
    images = KINDS[kind]()
    encoder = lpips_encoder.LpipsEncoder(
        "random", "0", "cpu", lambda device: lpips_encoder.network_of(package(), device)
    )
    found = METRICS["lpips"].compute(encoder.encode(images, Prompt("")))
    expected = torch.stack(
        [package()(x.float()[None] / 255, images.float() / 255, normalize=True).flatten() for x in images]
    )
    torch.testing.assert_close(found, expected.detach(), rtol=1e-5, atol=1e-7)
