"""An encoder's features of pixels: those of ``encode``, and their gradient against small changes."""

from __future__ import annotations

import torch
from torch import Tensor

from t2ialign.types import Differentiable, Encoder, Prompt

PROMPT = Prompt("a red circle")


def check_features(encoder: Encoder, images: Tensor, size: int) -> None:
    """On pictures of the size that the encoder reads no resizer is asked, so that both ways give the same numbers."""
    assert isinstance(encoder, Differentiable)
    exact = images[:, :, :size, :size].contiguous()
    plain, found = encoder.encode(exact, PROMPT), encoder.features(exact.float() / 255, PROMPT)
    for name, value in found.items():
        torch.testing.assert_close(value.detach(), plain[name], rtol=1e-4, atol=1e-5)
    check_slope(encoder, images.float() / 255)


def check_slope(encoder: Differentiable, pixels: Tensor, eps: float = 3e-3) -> None:
    """Along the gradient itself, through the resizer too, the way to the middle of the greys left out."""
    pixels = (0.25 + 0.5 * pixels).requires_grad_()
    name = next(iter(encoder.features(pixels, PROMPT)))

    (grad,) = torch.autograd.grad(_total(encoder, pixels, name), pixels)
    along = grad / grad.abs().max()
    with torch.no_grad():
        ends = [float(_total(encoder, pixels + sign * eps * along, name)) for sign in (1, -1)]
    numerical, exact = (ends[0] - ends[1]) / (2 * eps), float((grad * along).sum())
    assert exact > 0 and abs(numerical - exact) < 0.05 * exact, (numerical, exact)


def _total(encoder: Differentiable, pixels: Tensor, name: str) -> Tensor:
    """All the values of a feature, each with a weight of its own: embeddings have one length, whatever they are."""
    found = encoder.features(pixels, PROMPT)[name].double()
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (weights * found).sum()
