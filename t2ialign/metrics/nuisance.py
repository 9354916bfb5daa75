"""Changes that leave a picture the same to people: what a diversity metric makes of them is not diversity."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn.functional import interpolate


def shift(images: UInt8[Tensor, "n 3 h w"], pixels: int) -> UInt8[Tensor, "n 3 h w"]:
    """Moved to the right by ``pixels``; the left edge is repeated."""
    columns = (torch.arange(images.shape[3]) - pixels).clamp_min(0)
    return images[..., columns]


def flip(images: UInt8[Tensor, "n 3 h w"]) -> UInt8[Tensor, "n 3 h w"]:
    """Mirrored left to right."""
    return images.flip(3)


def brighten(images: UInt8[Tensor, "n 3 h w"], factor: float) -> UInt8[Tensor, "n 3 h w"]:
    """Every value times ``factor``, cut at white."""
    return (images.float() * factor).round().clamp(0, 255).to(torch.uint8)


def zoom(images: UInt8[Tensor, "n 3 h w"], factor: float) -> UInt8[Tensor, "n 3 h w"]:
    """The middle of the picture enlarged by ``factor`` to its old size, bilinear."""
    height, width = images.shape[2:]
    rows, columns = (round(side * factor) for side in (height, width))
    larger = interpolate(images.float(), (rows, columns), mode="bilinear", align_corners=False)
    top, left = (rows - height) // 2, (columns - width) // 2
    return larger[..., top : top + height, left : left + width].round().clamp(0, 255).to(torch.uint8)


NUISANCES: dict[str, Callable[[Tensor], Tensor]] = {
    "shift 2 px": partial(shift, pixels=2),
    "shift 8 px": partial(shift, pixels=8),
    "flip": flip,
    "brightness +15 %": partial(brighten, factor=1.15),
    "zoom 5 %": partial(zoom, factor=1.05),
}
