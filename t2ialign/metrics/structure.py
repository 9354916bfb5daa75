"""SSIM of all pairs for any window: per-picture moments once, one blur a pair (Wang et al. 2004, eq. 13)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.pairwise import EachPair, Prepared
from t2ialign.types import Features, InputError


def _slide(x: Tensor, taps: tuple[float, ...], dim: int) -> Tensor:
    """Weighted sum of shifted views along one axis, over the first tap: passes over memory that is still in the cache."""
    valid = x.shape[dim] - len(taps) + 1
    out = torch.add(x.narrow(dim, 0, valid), x.narrow(dim, 1, valid), alpha=taps[1] / taps[0])
    for tap, weight in enumerate(taps[2:], 2):
        out.add_(x.narrow(dim, tap, valid), alpha=weight / taps[0])
    return out


def window_sums(x: Float[Tensor, "*b h w"], taps: tuple[float, ...]) -> Float[Tensor, "*b h_valid w_valid"]:
    """Window means at the valid positions, times taps[0]^-2, separably: ``taps`` are the window along each axis.

    Shifted adds, as a convolution of one channel keeps no library busy: this takes a third of conv2d's time.
    """
    return _slide(_slide(x, taps, -2), taps, -1)


@dataclass(frozen=True)
class Structure:
    """One convention of SSIM: its window, the largest value that a pixel is said to have, and the variance estimate.

    ``sample`` multiplies (co)variances by N / (N - 1) for a window of N pixels. K1 = 0.01 and K2 = 0.03 as
    everywhere.
    """

    taps: tuple[float, ...]
    peak: float
    sample: bool = False

    @property
    def rule(self) -> EachPair:
        return EachPair(self.moments, self.distance)

    @property
    def constants(self) -> tuple[float, float]:
        """C1 and C2 for pixels from 0 to 1."""
        return (0.01 * self.peak / 255) ** 2, (0.03 * self.peak / 255) ** 2

    @property
    def factor(self) -> float:
        """What pixels are multiplied with, so that window means of products are twice the (sample) covariance."""
        count = len(self.taps) ** 2
        return math.sqrt(2 * count / (count - 1)) if self.sample else math.sqrt(2)

    def moments(self, features: Features) -> Prepared:
        """Per picture, once: pixels, window means o and variances, with the formula's constants taken in.

        Pixels are taken around mid-grey, which changes no variance and keeps one digit more of it in fp32. Pixels and o
        carry a factor sqrt(2 N / (N - 1)) (or sqrt(2)), so that their products are twice the covariance; pixels also carry
        the first tap, which ``window_sums`` leaves out.
        """
        images, window = features["images"], len(self.taps)
        if min(images.shape[-2:]) < window:
            size = f"{images.shape[-1]} x {images.shape[-2]}"
            raise InputError(f"SSIM needs pictures of at least {window} x {window} pixels, and these are {size}.")
        pixels = images.float().sub_(127.5).mul_(self.factor * self.taps[0] / 255)
        offset = window_sums(pixels, self.taps).mul_(self.taps[0])
        double = window_sums(pixels * pixels, self.taps).addcmul_(offset, offset, value=-1)
        spread = double.clamp_min_(0).div_(2).add_(self.constants[1] / 2)
        return {"pixels": pixels, "offset": offset, "spread": spread}

    def distance(self, one: Prepared, others: Prepared) -> Float[Tensor, " m"]:
        """1 - mean of (2 m_x m_y + C1)(2 cov + C2) / ((m_x^2 + m_y^2 + C1)(var_x + var_y + C2)); one blur a pair.

        With m = 1/2 + o: 2 m_x m_y = 2 o_x o_y + o_x + o_y + 1/2, and m_x^2 + m_y^2 = 2 m_x m_y + (o_x - o_y)^2.
        """
        c1, c2 = self.constants
        product, total = one["offset"] * others["offset"], one["offset"] + others["offset"]
        structure = window_sums(one["pixels"] * others["pixels"], self.taps).sub_(product).add_(c2)
        above = product.mul_(2 / self.factor**2).add_(total, alpha=1 / self.factor).add_(0.5 + c1)
        gap = torch.sub(one["offset"], others["offset"], out=total)
        below = torch.addcmul(above, gap, gap, value=1 / self.factor**2).mul_(one["spread"] + others["spread"])
        return 1 - above.mul_(structure).div_(below).flatten(1).mean(1)
