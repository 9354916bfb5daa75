"""The transformers of flow models, each called as its stock pipeline calls it: latents and prompts in, a velocity out.

Latents stay pictures [n, c, h, w] outside; where a transformer reads rows of cells, or of squares of 2 x 2 cells, that happens
here.
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


def flux2(network: Any, said: FlowInput) -> Tensor:
    """FLUX.2: a row a cell, every token's place in four numbers, and the guidance scale where it was distilled."""
    n, c, height, width = said.latents.shape
    words, scale = said.embeds.prompt_embeds, said.embedded_scale
    device = words.device
    told = None if scale is None else torch.full([n], scale, device=device, dtype=torch.float32)
    one = torch.arange(1, device=device)
    down, across = torch.arange(height, device=device), torch.arange(width, device=device)
    lines = torch.cartesian_prod(one, one, one, torch.arange(words.shape[1], device=device))
    output = network(
        hidden_states=said.latents.reshape(n, c, height * width).permute(0, 2, 1),
        timestep=said.times.to(said.latents.dtype) / 1000,
        guidance=told,
        encoder_hidden_states=words,
        txt_ids=lines.expand(n, -1, -1),
        img_ids=torch.cartesian_prod(one, down, across, one).expand(n, -1, -1),
        return_dict=False,
    )[0]
    rows: Tensor = output.permute(0, 2, 1)
    return rows.reshape(n, c, height, width)


def qwenimage(network: Any, said: FlowInput) -> Tensor:
    """Qwen-Image: packed cells, and prompts as long as they are; those of one length are read together."""
    height, width = said.latents.shape[-2:]
    mask = said.embeds.mask
    assert mask is not None
    lengths = mask.sum(1).tolist()
    parts, order = [], []
    for length in sorted(set(lengths)):
        rows = torch.tensor([row for row, own in enumerate(lengths) if own == length], device=mask.device)
        latents = said.latents[rows]
        shape = [(1, height // CELLS, width // CELLS)]
        output = network(
            hidden_states=packed(latents),
            timestep=said.times[rows].to(latents.dtype) / 1000,
            guidance=None,
            encoder_hidden_states=said.embeds.prompt_embeds[rows, :length],
            encoder_hidden_states_mask=None,
            img_shapes=[shape] * len(rows),
            return_dict=False,
        )[0]
        parts.append(unpacked(output, height, width))
        order.append(rows)
    return torch.cat(parts)[torch.cat(order).argsort()]


def sana(network: Any, said: FlowInput) -> Tensor:
    """Sana: as SD-3, without a pooled prompt, told which tokens count."""
    output: Tensor = network(
        said.latents,
        encoder_hidden_states=said.embeds.prompt_embeds,
        encoder_attention_mask=said.embeds.mask,
        timestep=said.times * network.config.timestep_scale,
        return_dict=False,
    )[0]
    return output


FAMILY: dict[str, Callable[[Any, FlowInput], Tensor]] = {
    "sd3": sd3,
    "flux": flux,
    "auraflow": auraflow,
    "flux2": flux2,
    "flux2-klein": flux2,
    "qwenimage": qwenimage,
    "sana": sana,
}


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
