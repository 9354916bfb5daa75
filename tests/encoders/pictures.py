"""Random pictures for the encoder tests."""

from __future__ import annotations

import torch
from torch import Tensor


def pictures(n: int, height: int = 64, width: int = 64, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, height, width), generator=draw, dtype=torch.uint8)
