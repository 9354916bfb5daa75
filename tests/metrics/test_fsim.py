from __future__ import annotations

import pytest
import torch

from t2ialign import torchvision_guard
from t2ialign.metrics import METRICS
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


def test_constant_pictures():
    """All that is left is the step to the zeros outside; piq finds the same."""
    images = torch.stack([torch.full((3, 32, 32), value, dtype=torch.uint8) for value in (40, 200)])
    expected = piq.fsim(images[:1] / 255, images[1:] / 255, chromatic=False).item()
    assert 1 - METRICS["fsim"].compute({"images": images})[0, 1].item() == pytest.approx(expected, rel=1e-4)
