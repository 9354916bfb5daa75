"""SSIM of all pairs for any window: per-picture moments once, one blur a pair (Wang et al. 2004, eq. 13)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.pairwise import EachPair, Prepared
from t2ialign.types import Features, InputError


def _slide(x: Tensor, taps: tuple[float, ...], dim: int) -> Tensor:
    """Weighted sum of shifted views along one axis, over the first tap: every pass runs over memory still in the cache."""
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
    def share(self) -> float:
        """The first tap of the window that fp32 really sums: exactly normalised, or flat parts would covary."""
        return 1 / sum(float(np.float32(tap / self.taps[0])) for tap in self.taps)

    @property
    def factor(self) -> float:
        """What pixels are multiplied with, so that window means of products are twice the (sample) covariance."""
        count = len(self.taps) ** 2
        return math.sqrt(2 * count / (count - 1)) if self.sample else math.sqrt(2)

    def moments(self, features: Features) -> Prepared:
        """Per picture, once: pixels, window means and variances, with the formula's constants taken in.

        Covariances do not change when a picture is moved by a constant, so they come from pixels around each channel's
        own mean (a whole level, so that nothing is rounded): fp32 then keeps the small ones of flat parts. Pixels and
        their means (``offset``) carry ``factor``, so that their products are twice the covariance; pixels also carry the
        first tap, which ``window_sums`` leaves out; ``mean`` carries the root of two, so that its products are 2 m_x m_y.
        """
        images, window = features["images"], len(self.taps)
        if min(images.shape[-2:]) < window:
            size = f"{images.shape[-1]} x {images.shape[-2]}"
            raise InputError(f"SSIM needs pictures of at least {window} x {window} pixels, and these are {size}.")
        pixels = images.float()
        centre = pixels.mean((-2, -1), keepdim=True).round_()
        pixels.sub_(centre).mul_(self.factor * self.share / 255)
        offset = window_sums(pixels, self.taps).mul_(self.share)
        double = window_sums(pixels * pixels, self.taps).addcmul_(offset, offset, value=-1)
        spread = double.clamp_min_(0).div_(2).add_(self.constants[1] / 2)
        mean = (offset / self.factor).add_(centre / 255).mul_(math.sqrt(2))
        square = torch.addcmul(mean.new_tensor(self.constants[0] / 2), mean, mean, value=0.5)
        return {"pixels": pixels, "offset": offset, "mean": mean, "square": square, "spread": spread}

    def distance(self, one: Prepared, others: Prepared) -> Float[Tensor, " m"]:
        """1 - mean of (2 m_x m_y + C1)(2 cov + C2) / ((m_x^2 + m_y^2 + C1)(var_x + var_y + C2)); one blur a pair.

        Every pass over memory counts: C2 goes through the blur with the products, as its window mean is itself.
        """
        c1, c2 = (one["mean"].new_tensor(constant) for constant in self.constants)
        structure = window_sums(torch.addcmul(c2 * self.share**2, one["pixels"], others["pixels"]), self.taps)
        structure.addcmul_(one["offset"], others["offset"], value=-1)
        structure.mul_(torch.addcmul(c1, one["mean"], others["mean"]))
        below = (one["square"] + others["square"]).mul_(one["spread"] + others["spread"])
        return (1 - structure.div_(below).flatten(1).mean(1)).clamp_min_(0)  # SSIM is at most 1; rounding forgets it
