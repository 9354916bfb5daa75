"""What an unfinished picture looks like: predicted x0 through a cheap VAE, a tiny one where it is here, else a linear map."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from t2ialign.content import CONFIG
from t2ialign.diffusion.backbone import Backbone
from t2ialign.downloads import HubFolder

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

CHEAP_PARAMETERS = 5_000_000  # a VAE whose decoder is smaller than this (SD's has 50 million) is its own preview
TINY_BYTES = 9_850_000  # of one such decoder with its encoder, as the file lists of the Hub have it
TINY = {"taesd": ("sd",), "taesdxl": ("sdxl", "auraflow"), "taesd3": ("sd3",), "taef1": ("flux",)}
"""Ollin Boer Bohan's tiny decoders (github.com/madebyollin/taesd), each with the families whose latents it reads.

SD-1 and SD-2 have the same latents, AuraFlow has SDXL's VAE. FLUX.2's (taef2) is in no layout of diffusers 0.42.1; Qwen-Image
and Sana have none of this kind.
"""
TINY_WEIGHTS = "diffusion_pytorch_model.safetensors"
_TINY: WeakKeyDictionary[AutoencoderKL, AutoencoderTiny | None] = WeakKeyDictionary()
_MAPS: WeakKeyDictionary[AutoencoderKL, Tensor] = WeakKeyDictionary()


def preview(backbone: Backbone, predicted_x0: Float[Tensor, "n c h w"]) -> UInt8[Tensor, "n 3 hh ww"]:
    """Pictures of predicted x0, on the CPU: full size from a small VAE, else one pixel a latent cell."""
    if sum(parameter.numel() for parameter in backbone.vae.decoder.parameters()) <= CHEAP_PARAMETERS:
        return backbone.decode(predicted_x0)
    tiny = tiny_decoder(backbone)
    if tiny is not None:
        return _decoded(tiny, predicted_x0)
    if backbone.vae not in _MAPS:
        _MAPS[backbone.vae] = fit_linear_map(backbone)
    return linear_preview(_MAPS[backbone.vae], predicted_x0)


def tiny_decoder(backbone: Backbone) -> AutoencoderTiny | None:
    """The tiny decoder for the latents of this family, where the Hub's cache has it; nothing is fetched."""
    if backbone.vae not in _TINY:
        _TINY[backbone.vae] = _load_tiny(backbone)
    return _TINY[backbone.vae]


def tiny_part(name: str) -> HubFolder:
    """Where a decoder of ``TINY`` lies on the Hub, and in its cache."""
    return HubFolder(f"madebyollin/{name}", "", (CONFIG, TINY_WEIGHTS))


def _load_tiny(backbone: Backbone) -> AutoencoderTiny | None:
    name = next((name for name, families in TINY.items() if backbone.entry.family in families), "")
    folder = tiny_part(name).found() if name else None
    if folder is None:
        return None
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    try:
        tiny = AutoencoderTiny.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except Exception:  # a damaged cache: previews have another way
        return None
    fits = tiny.config["latent_channels"] == backbone.vae.config["latent_channels"]
    return tiny.to(backbone.device).eval().requires_grad_(False) if fits else None


@torch.no_grad()
def _decoded(tiny: AutoencoderTiny, latents: Float[Tensor, "n c h w"]) -> UInt8[Tensor, "n 3 hh ww"]:
    """Tiny decoders read scaled latents as they are."""
    pixels = tiny.decode(latents.to(tiny.dtype), return_dict=False)[0].float()
    pictures: Tensor = ((pixels * 0.5 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).cpu()
    return pictures


def linear_preview(colors: Float[Tensor, "3 d"], latents: Float[Tensor, "n c h w"]) -> UInt8[Tensor, "n 3 h w"]:
    """Colours as an affine function of the latents' channels; the last column of ``colors`` is the constant."""
    pixels = torch.einsum("kc,nchw->nkhw", colors[:, :-1], latents.float()) + colors[:, -1, None, None]
    return pixels.clamp(0, 255).round().to(torch.uint8).cpu()


def fit_linear_map(backbone: Backbone, pictures: int = 8, side: int = 16) -> Float[Tensor, "3 d"]:
    """Least-squares map from latents to the mean colour of the pixels they decode to, from smooth random pictures.

    The pictures are encoded and decoded again, so that the latents are of the kind that the VAE really meets.
    """
    rng = torch.Generator().manual_seed(0)
    blobs = [torch.rand((pictures // 2, 3, cells, cells), generator=rng) for cells in (3, 6)]
    full = torch.cat([interpolate(part, size=side * backbone.pixels_per_latent, mode="bicubic") for part in blobs])
    latents = backbone.encode((full.clamp(0, 1) * 255).round().to(torch.uint8))
    colors = adaptive_avg_pool2d(backbone.decode(latents).float(), latents.shape[-1])
    rows = latents.cpu().double().movedim(1, -1).flatten(0, 2)
    rows = torch.cat([rows, torch.ones(len(rows), 1)], 1)
    targets = colors.double().movedim(1, -1).flatten(0, 2)
    # By singular values: channels may be nearly dependent, where the default driver goes astray.
    solution: Tensor = (
        torch.linalg.lstsq(rows, targets, rcond=1e-4, driver="gelsd").solution.T.float().to(backbone.device)
    )
    return solution
