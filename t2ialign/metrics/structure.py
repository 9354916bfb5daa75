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
    """Weighted sum of shifted views along one axis: every pass runs over memory that is still in the cache."""
    valid = x.shape[dim] - len(taps) + 1
    out = x.narrow(dim, 0, valid) * taps[0]
    for tap, weight in enumerate(taps[1:], 1):
        out.add_(x.narrow(dim, tap, valid), alpha=weight)
    return out


def blur(x: Float[Tensor, "*b h w"], taps: tuple[float, ...]) -> Float[Tensor, "*b h_valid w_valid"]:
    """Window means at the valid positions, separably: ``taps`` are the window along each axis and sum to one.

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
    def norm(self) -> float:
        count = len(self.taps) ** 2
        return count / (count - 1) if self.sample else 1.0

    def moments(self, features: Features) -> Prepared:
        """Per picture, once: what the numerator and the denominator need of it, with their factors of two taken in.

        Pixels are taken around mid-grey, which changes no variance and keeps one digit more of it in fp32.
        """
        images, window = features["images"], len(self.taps)
        if min(images.shape[-2:]) < window:
            size = f"{images.shape[-1]} x {images.shape[-2]}"
            raise InputError(f"SSIM needs pictures of at least {window} x {window} pixels, and these are {size}.")
        pixels, (c1, c2) = images.float() / 255 - 0.5, self.constants
        offset = blur(pixels, self.taps)
        mean, spread = offset + 0.5, (blur(pixels * pixels, self.taps) - offset * offset).clamp_min_(0) * self.norm
        root = math.sqrt(2 * self.norm)
        return {
            "pixels": pixels * root,
            "offset": offset * root,
            "mean": mean * math.sqrt(2),
            "square": mean * mean + c1 / 2,
            "spread": spread + c2 / 2,
        }

    def distance(self, one: Prepared, others: Prepared) -> Float[Tensor, " m"]:
        """1 - mean of (2 m_x m_y + C1)(2 cov + C2) / ((m_x^2 + m_y^2 + C1)(var_x + var_y + C2)); one blur a pair."""
        c1, c2 = self.constants
        covariance = blur(one["pixels"] * others["pixels"], self.taps)
        covariance.addcmul_(one["offset"], others["offset"], value=-1).add_(c2)
        above = torch.addcmul(covariance.new_tensor(c1), one["mean"], others["mean"]).mul_(covariance)
        below = (one["square"] + others["square"]).mul_(one["spread"] + others["spread"])
        return 1 - above.div_(below).flatten(1).mean(1)
