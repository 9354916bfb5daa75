"""Each nuisance does what its name says, and leaves size and type alone."""

from __future__ import annotations

import pytest
import torch

from t2ialign.metrics.nuisance import NUISANCES, brighten, flip, shift, zoom
from tests.metrics.features import crops, natural


@pytest.mark.parametrize("name", NUISANCES)
@pytest.mark.parametrize("images", [natural(), crops()], ids=["even", "odd"])
def test_same_shape_and_other_pixels(name: str, images: torch.Tensor) -> None:
    changed = NUISANCES[name](images)
    assert changed.shape == images.shape and changed.dtype == torch.uint8
    assert not torch.equal(changed, images)


def test_shift_moves_to_the_right() -> None:
    images = natural()
    assert torch.equal(shift(images, 3)[..., 3:], images[..., :-3])
    assert torch.equal(shift(images, 3)[..., 0], images[..., 0])


def test_flip_twice_is_nothing() -> None:
    assert torch.equal(flip(flip(natural())), natural())


def test_brightness_rises_and_is_cut_at_white() -> None:
    image = torch.tensor([100, 240], dtype=torch.uint8).view(1, 1, 1, 2).expand(1, 3, 4, 2)
    assert brighten(image, 1.15)[0, 0, 0].tolist() == [115, 255]


def test_zoom_keeps_the_middle() -> None:
    """A bright square in the middle grows: its mean does, and nothing moves sideways."""
    image = torch.zeros(1, 3, 40, 40, dtype=torch.uint8)
    image[..., 10:30, 10:30] = 200
    larger = zoom(image, 1.1).float()
    assert larger.mean() > image.float().mean()
    assert torch.allclose(larger, larger.flip(3), atol=1)
