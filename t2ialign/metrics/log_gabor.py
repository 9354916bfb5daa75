"""Log-Gabor filter banks in the frequency domain, on which phase congruency stands (Kovesi 1999)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Spread = Literal["gaussian", "cosine"]
SIZES = 4  # of pictures whose filters are kept: those of 512 x 512 pixels take 50 MB
SCALES, SHORTEST, FACTOR = 4, 6.0, 2.0  # wavelengths 6, 12, 24 and 48 pixels
CUTOFF, SHARPNESS = 0.45, 15  # of the Butterworth low-pass that takes the corners of the spectrum away


def _frequencies(size: int) -> Float[Tensor, " size"]:
    """Frequencies of an axis from -1/2 to 1/2, the zero in the middle."""
    if size % 2:
        return torch.linspace(-0.5, 0.5, size, dtype=torch.float64)
    return torch.arange(-size // 2, size // 2, dtype=torch.float64) / size


def _polar(height: int, width: int) -> tuple[Float[Tensor, "h w"], Float[Tensor, "h w"]]:
    """Radius and angle of every frequency, the zero in the corner."""
    y, x = torch.meshgrid(_frequencies(height), _frequencies(width), indexing="ij")
    corner = torch.fft.ifftshift(torch.stack([(x * x + y * y).sqrt(), torch.atan2(-y, x)]), dim=(-2, -1))
    return corner[0], corner[1]


@lru_cache(maxsize=SIZES)
def filter_bank(
    height: int, width: int, orientations: int, bandwidth: float, spread: Spread, device: str
) -> Float[Tensor, "o s h w"]:
    """Filters of every orientation and scale, as real factors on the spectrum, in float64.

    ``bandwidth`` is the standard deviation of the radial Gaussian over its centre frequency. The angular part is a
    Gaussian (Zhang et al. 2011) or a raised cosine (Kovesi's later code).
    """
    radius, angle = _polar(height, width)
    low_pass = 1 / (1 + (radius / CUTOFF) ** (2 * SHARPNESS))
    radius[0, 0] = 1
    waves = [SHORTEST * FACTOR**scale for scale in range(SCALES)]
    radial = [torch.exp(-((radius * wave).log() ** 2) / (2 * math.log(bandwidth) ** 2)) * low_pass for wave in waves]
    for part in radial:
        part[0, 0] = 0
    angular = []
    for number in range(orientations):
        turned = angle - number * math.pi / orientations
        distance = torch.atan2(turned.sin(), turned.cos()).abs()
        if spread == "gaussian":
            angular.append(torch.exp(-(distance**2) / (2 * (math.pi / (orientations * 1.2)) ** 2)))
        else:
            angular.append((1 + (distance * orientations / 2).clamp(max=math.pi).cos()) / 2)
    return (torch.stack(angular)[:, None] * torch.stack(radial)).to(device)
