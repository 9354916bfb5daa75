from __future__ import annotations

import torch
from torch import nn

from t2ialign.encoders.reward_head import collapse


def published_head(width: int) -> nn.Sequential:
    """The five layers of LAION's and ImageReward's heads, drop-outs included."""
    sizes = (width, 1024, 128, 64, 16, 1)
    linear = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)]
    dropped = [[layer, nn.Dropout(0.2)] for layer in linear[:3]]
    return nn.Sequential(*(part for pair in dropped for part in pair), *linear[3:])


def test_five_layers_are_one():
    torch.manual_seed(0)
    head = published_head(24).double().eval()
    weight, bias = collapse({f"layers.{name}": tensor for name, tensor in head.state_dict().items()})
    x = torch.randn(100, 24, dtype=torch.float64)
    torch.testing.assert_close(x @ weight + bias, head(x)[:, 0], rtol=1e-10, atol=1e-12)
