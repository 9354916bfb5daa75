"""Random pairs of predictions."""

from __future__ import annotations

import torch
from torch import Tensor


def predictions(seed: int = 0, n: int = 3) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(n, 4, 8, 8, generator=draw), torch.randn(n, 4, 8, 8, generator=draw)
