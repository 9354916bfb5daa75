"""Entropy 1D: the Shannon entropy of a picture's grey levels, in bits."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from t2ialign.types import Features, Metric


def grey(images: UInt8[Tensor, "n 3 h w"]) -> UInt8[Tensor, "n h w"]:
    """ITU-R BT.601 luma with 16-bit weights and rounding: equal to Pillow's ``convert("L")``."""
    weights = torch.tensor([19595, 38470, 7471], dtype=torch.int32, device=images.device)
    return ((images.int() * weights[:, None, None]).sum(1) + 0x8000).bitwise_right_shift(16).to(torch.uint8)


def entropy(counts: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
    """-sum p log2 p of rows of counts, in bits."""
    p = counts / counts.sum(1, keepdim=True)
    return -torch.xlogy(p, p).sum(1) / torch.log(torch.tensor(2.0, dtype=p.dtype, device=p.device))


def entropy_1d(features: Features) -> Float[Tensor, " n"]:
    """Entropy of the 256-bin histogram of each grey picture."""
    levels = grey(features["images"]).flatten(1).long()
    counts = torch.zeros(len(levels), 256, dtype=torch.float64, device=levels.device)
    return entropy(counts.scatter_add_(1, levels, torch.ones_like(levels, dtype=torch.float64))).float()


METRIC = Metric(
    name="entropy_1d",
    title="Entropy 1D",
    axis="diversity",
    level="image",
    needs=("images",),
    compute=entropy_1d,
    bounds=(0.0, 8.0),
    higher_is_better=True,
    unit="bits",
    reference="Shannon 1948, on the grey-level histogram",
    summary="How many grey levels a picture uses.",
    caveat="Measures each picture alone: n copies of one picture score like n different ones. No diversity of a set.",
)
