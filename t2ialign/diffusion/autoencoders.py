"""Latents to pictures and back, with each family's autoencoder as its stock pipeline has it.

Latents here are what the loop draws and the network reads, in a scaled space; pixels are from -1 to 1.

- one of Stable Diffusion's kind: a scale, with some a shift or statistics of each channel;
- FLUX.2's: squares of 2 x 2 cells are one cell of four times the channels, by the statistics of a batch norm;
- Qwen-Image's: made for films, of which a picture is one frame, by statistics of each channel;
- Sana's DC-AE: 32 pixels a cell and no posterior, by a scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

SQUARE = 2  # cells of FLUX.2's autoencoder on a side of one cell of latents


@runtime_checkable
class Coder(Protocol):
    """An autoencoder between latents and pixels."""

    @property
    def pixels_per_latent(self) -> int: ...

    @property
    def channels(self) -> int: ...

    def decoded(self, latents: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 hh ww"]: ...

    def encoded(self, pixels: Float[Tensor, "n 3 hh ww"]) -> Float[Tensor, "n c h w"]: ...


def coder_of(family: str, vae: Any) -> Coder:
    """The autoencoder of a family's model."""
    kinds: dict[str, Any] = {
        "flux2": SquareCoder,
        "flux2-klein": SquareCoder,
        "qwenimage": FilmCoder,
        "sana": DeepCoder,
    }
    made: Coder = kinds.get(family, KlCoder)(vae)
    return made


@dataclass(frozen=True)
class KlCoder:
    """Stable Diffusion's kind."""

    vae: Any

    @property
    def pixels_per_latent(self) -> int:
        return int(2 ** (len(self.vae.config["block_out_channels"]) - 1))

    @property
    def channels(self) -> int:
        return int(self.vae.config["latent_channels"])

    def decoded(self, latents: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 hh ww"]:
        statistics, scale = self._statistics(latents.device), self.vae.config["scaling_factor"]
        latents = latents / scale if statistics is None else latents * statistics[1] / scale + statistics[0]
        pixels: Tensor = self.vae.decode(latents, return_dict=False)[0]
        return pixels

    def encoded(self, pixels: Float[Tensor, "n 3 hh ww"]) -> Float[Tensor, "n c h w"]:
        latents: Tensor = self.vae.encode(pixels).latent_dist.mean.float()
        statistics = self._statistics(latents.device)
        latents = latents if statistics is None else (latents - statistics[0]) / statistics[1]
        scaled: Tensor = latents * self.vae.config["scaling_factor"]
        return scaled

    def _statistics(self, device: torch.device) -> tuple[Tensor, Tensor] | None:
        """Per-channel mean and std that some of SDXL's family ask for, or the shift of others; usually none."""
        config = self.vae.config
        if config["latents_mean"] is not None and config["latents_std"] is not None:
            mean, std = config["latents_mean"], config["latents_std"]
        elif config["shift_factor"] is not None:
            mean, std = [config["shift_factor"]], [1.0]
        else:
            return None
        first, second = (torch.tensor(values, device=device)[None, :, None, None] for values in (mean, std))
        return first, second


@dataclass(frozen=True)
class SquareCoder:
    """FLUX.2's."""

    vae: Any

    @property
    def pixels_per_latent(self) -> int:
        return SQUARE * int(2 ** (len(self.vae.config["block_out_channels"]) - 1))

    @property
    def channels(self) -> int:
        return SQUARE**2 * int(self.vae.config["latent_channels"])

    def decoded(self, latents: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 hh ww"]:
        mean, std = self._statistics(latents)
        latents = latents * std + mean
        n, c, h, w = latents.shape
        squares = latents.reshape(n, c // SQUARE**2, SQUARE, SQUARE, h, w).permute(0, 1, 4, 2, 5, 3)
        cells = squares.reshape(n, c // SQUARE**2, h * SQUARE, w * SQUARE)
        pixels: Tensor = self.vae.decode(cells, return_dict=False)[0]
        return pixels

    def encoded(self, pixels: Float[Tensor, "n 3 hh ww"]) -> Float[Tensor, "n c h w"]:
        cells = self.vae.encode(pixels).latent_dist.mode().float()
        n, c, h, w = cells.shape
        squares = cells.reshape(n, c, h // SQUARE, SQUARE, w // SQUARE, SQUARE).permute(0, 1, 3, 5, 2, 4)
        mean, std = self._statistics(cells)
        latents: Tensor = (squares.reshape(n, c * SQUARE**2, h // SQUARE, w // SQUARE) - mean) / std
        return latents

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Where the latents are, which a VAE that takes turns is not yet."""
        found = self.vae.bn
        std = torch.sqrt(found.running_var.view(1, -1, 1, 1) + self.vae.config["batch_norm_eps"])
        return found.running_mean.view(1, -1, 1, 1).to(like.device), std.to(like.device)


@dataclass(frozen=True)
class FilmCoder:
    """Qwen-Image's."""

    vae: Any

    @property
    def pixels_per_latent(self) -> int:
        return int(2 ** len(self.vae.config["temperal_downsample"]))

    @property
    def channels(self) -> int:
        return int(self.vae.config["z_dim"])

    def decoded(self, latents: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 hh ww"]:
        mean, inverse = self._statistics(latents)
        pixels: Tensor = self.vae.decode(latents[:, :, None] / inverse + mean, return_dict=False)[0][:, :, 0]
        return pixels

    def encoded(self, pixels: Float[Tensor, "n 3 hh ww"]) -> Float[Tensor, "n c h w"]:
        found = self.vae.encode(pixels[:, :, None]).latent_dist.mode().float()
        mean, inverse = self._statistics(found)
        latents: Tensor = ((found - mean) * inverse)[:, :, 0]
        return latents

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Each channel's mean, and one by its deviation, as the stock pipeline has it to the last place."""
        mean, std = (
            torch.tensor(self.vae.config[name]).view(1, -1, 1, 1, 1).to(like)
            for name in ("latents_mean", "latents_std")
        )
        return mean, 1.0 / std


@dataclass(frozen=True)
class DeepCoder:
    """Sana's."""

    vae: Any

    @property
    def pixels_per_latent(self) -> int:
        return int(2 ** (len(self.vae.config["encoder_block_out_channels"]) - 1))

    @property
    def channels(self) -> int:
        return int(self.vae.config["latent_channels"])

    def decoded(self, latents: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 hh ww"]:
        pixels: Tensor = self.vae.decode(latents / self.vae.config["scaling_factor"], return_dict=False)[0]
        return pixels

    def encoded(self, pixels: Float[Tensor, "n 3 hh ww"]) -> Float[Tensor, "n c h w"]:
        latents: Tensor = self.vae.encode(pixels, return_dict=False)[0].float() * self.vae.config["scaling_factor"]
        return latents
