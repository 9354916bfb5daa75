"""The oracle's reader: trained on clean renders, blurred, noisy and re-encoded ones, so that it can read generated pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from t2ialign.shapes.reader import Reader, reader_loss
from t2ialign.shapes.render import render
from t2ialign.shapes.scene import draw_scenes

FOLDER = "oracle-shapes"


def build(out: Path) -> Reader:
    return Reader()


def soften(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Half of the pictures lose detail as decoded latents do: resized down and up again, and a little noise on all."""
    batch = pictures.shape[0]
    small = F.interpolate(pictures, scale_factor=0.6, mode="bilinear", antialias=True)
    blurred = F.interpolate(small, pictures.shape[-2:], mode="bicubic")
    mix = torch.rand(batch, 1, 1, 1, generator=rng, device=rng.device).mul(2).sub(1).clamp(min=0)
    level = 0.04 * torch.rand(batch, 1, 1, 1, generator=rng, device=rng.device)
    noise = torch.randn(pictures.shape, generator=rng, device=rng.device)
    return (pictures + mix * (blurred - pictures) + level * noise).clamp(0, 1)


def loss_function(
    model: nn.Module, out: Path, batch: int, setup: torch.Generator
) -> Callable[[nn.Module, torch.Generator], Tensor]:
    def loss(reader: nn.Module, rng: torch.Generator) -> Tensor:
        factors = draw_scenes(batch, rng, held_out=True)
        pictures = soften(render(factors).float() / 255, rng)
        return reader_loss(reader(pictures), factors)

    return loss


def save(model: nn.Module, out: Path) -> None:
    """Full precision: the oracle is a measuring instrument."""
    out.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: value.cpu().contiguous() for name, value in model.state_dict().items()}, out / "reader.safetensors"
    )
