"""The autoencoder: 64 x 64 pixels to 4 x 16 x 16 latents, a stock ``AutoencoderKL``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from t2ialign.shapes.render import render
from t2ialign.shapes.scene import Factors, draw_scenes

FOLDER = "shapes/vae"
KL_WEIGHT = 1e-6
EDGE_WEIGHT = 1.0


def build(out: Path) -> AutoencoderKL:
    vae: AutoencoderKL = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        sample_size=64,
        latent_channels=4,
        block_out_channels=(16, 32, 64),
        layers_per_block=1,
        norm_num_groups=8,
        mid_block_add_attention=False,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
    )
    return vae


def edges(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbouring pixels, along x and along y."""
    return pictures.diff(dim=-1), pictures.diff(dim=-2)


def crop_at_objects(pictures: Tensor, factors: Factors, rng: torch.Generator) -> Tensor:
    """A window of half the side around one object of each picture: most of a picture is smooth background."""
    batch, side = pictures.shape[0], pictures.shape[-1] // 2
    second = (torch.rand(batch, generator=rng, device=rng.device) < 0.5) & (factors.shape[:, 1] >= 0)
    center = torch.where(second[:, None], factors.center[:, 1], factors.center[:, 0])
    center = center + 0.3 * torch.rand(batch, 2, generator=rng, device=rng.device) - 0.15
    corner = ((center - 0.25).clamp(0, 0.5) * 2 * side).long()
    span = torch.arange(side, device=rng.device)
    rows, columns = corner[:, 1, None] + span, corner[:, 0, None] + span
    index = torch.arange(batch, device=rng.device)
    return pictures[index[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def loss_function(
    model: AutoencoderKL, out: Path, batch: int, setup: torch.Generator
) -> Callable[[AutoencoderKL, torch.Generator], Tensor]:
    """Four steps of five see windows around objects, the fifth whole pictures (a quarter as many)."""

    def loss(vae: AutoencoderKL, rng: torch.Generator) -> Tensor:
        whole = torch.rand((), generator=rng, device=rng.device).item() < 0.2
        factors = draw_scenes(batch // 4 if whole else batch, rng, held_out=True)
        pictures = render(factors).float() / 127.5 - 1
        pictures = pictures if whole else crop_at_objects(pictures, factors, rng)
        posterior = vae.encode(pictures).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=rng, device=rng.device)
        decoded = vae.decode(posterior.mean + posterior.std * noise).sample.float()
        sharp = sum(F.l1_loss(a, b) for a, b in zip(edges(decoded), edges(pictures), strict=True))
        loss: Tensor = F.l1_loss(decoded, pictures) + EDGE_WEIGHT * sharp + KL_WEIGHT * posterior.kl().float().mean()
        return loss

    return loss


@torch.no_grad()
def save(model: AutoencoderKL, out: Path) -> None:
    """Half precision; the scaling factor makes the latents of renders unit variance, as SD's does."""
    rng = torch.Generator(model.device).manual_seed(123)
    pictures = render(draw_scenes(1024, rng)).float() / 127.5 - 1
    spread = torch.cat([model.encode(part).latent_dist.mean for part in torch.split(pictures, 128)]).std()
    scale = {"scaling_factor": round(1 / spread.item(), 5)}
    model.register_to_config(**scale)  # type: ignore[no-untyped-call]
    half = build(out)
    half.load_state_dict(model.state_dict())
    half.register_to_config(**scale)  # type: ignore[no-untyped-call]
    half.half().save_pretrained(out)  # type: ignore[no-untyped-call]  # diffusers has no types for these three
