"""The transformers of flow models, each called as its stock pipeline calls it: latents and prompts in, a velocity out.

Latents stay pictures [n, c, h, w] outside; FLUX's transformer reads them as rows of 2 x 2 cells, which happens here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.text import PromptEmbeds

CELLS = 2  # latent cells on a side of what these transformers read as one token


@dataclass(frozen=True)
class FlowInput:
    """What a transformer reads. ``times`` are noise levels times 1000; ``embedded_scale`` for guidance-distilled ones only."""

    latents: Float[Tensor, "n c h w"]
    times: Float[Tensor, " n"]
    embeds: PromptEmbeds
    embedded_scale: float | None


def velocity(network: Any, family: str, said: FlowInput) -> Float[Tensor, "n c h w"]:
    """The velocity noise - x_0 that a family's transformer sees."""
    found: Tensor = FAMILY[family](network, said)
    return found


def sd3(network: Any, said: FlowInput) -> Tensor:
    """SD-3 and SD-3.5: the transformer cuts its patches itself."""
    output: Tensor = network(
        hidden_states=said.latents,
        timestep=said.times,
        encoder_hidden_states=said.embeds.prompt_embeds,
        pooled_projections=said.embeds.pooled_prompt_embeds,
        return_dict=False,
    )[0]
    return output


def flux(network: Any, said: FlowInput) -> Tensor:
    """FLUX.1: rows of packed cells, each with its place, and the guidance scale where the network was distilled with it."""
    height, width = said.latents.shape[-2:]
    words = said.embeds.prompt_embeds
    scale = said.embedded_scale
    told = None if scale is None else torch.full([len(words)], scale, device=words.device, dtype=torch.float32)
    output = network(
        hidden_states=packed(said.latents),
        timestep=said.times.to(said.latents.dtype) / 1000,
        guidance=told,
        pooled_projections=said.embeds.pooled_prompt_embeds,
        encoder_hidden_states=words,
        txt_ids=torch.zeros(words.shape[1], 3, device=words.device, dtype=words.dtype),
        img_ids=places(height // CELLS, width // CELLS).to(words),
        return_dict=False,
    )[0]
    return unpacked(output, height, width)


def auraflow(network: Any, said: FlowInput) -> Tensor:
    """AuraFlow: as SD-3, without a pooled prompt, and told the noise level itself."""
    output: Tensor = network(
        said.latents,
        encoder_hidden_states=said.embeds.prompt_embeds,
        timestep=(said.times / 1000).to(said.latents.dtype),
        return_dict=False,
    )[0]
    return output


FAMILY: dict[str, Callable[[Any, FlowInput], Tensor]] = {"sd3": sd3, "flux": flux, "auraflow": auraflow}


def packed(latents: Float[Tensor, "n c h w"]) -> Float[Tensor, "n l d"]:
    """Latents as rows of 2 x 2 cells, each with all its channels."""
    n, c, h, w = latents.shape
    cells = latents.reshape(n, c, h // CELLS, CELLS, w // CELLS, CELLS).permute(0, 2, 4, 1, 3, 5)
    return cells.reshape(n, (h // CELLS) * (w // CELLS), c * CELLS * CELLS)


def unpacked(rows: Float[Tensor, "n l d"], height: int, width: int) -> Float[Tensor, "n c h w"]:
    """The inverse of ``packed``, for latents of that height and width."""
    n, _, d = rows.shape
    cells = rows.reshape(n, height // CELLS, width // CELLS, d // CELLS**2, CELLS, CELLS).permute(0, 3, 1, 4, 2, 5)
    return cells.reshape(n, d // CELLS**2, height, width)


def places(rows: int, columns: int) -> Float[Tensor, "l 3"]:
    """Where each row of packed latents belongs: nothing, its row, its column."""
    down, across = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.stack([torch.zeros_like(down), down, across], -1).reshape(-1, 3).float()
