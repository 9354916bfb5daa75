"""What a UNet's own encoder makes of noisy latents: the states on its way down, side by side (NCPPO's perception)."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.adapters import reference
from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.text import PromptEmbeds


def encoder_states(
    view: Backbone, latents: Float[Tensor, "n c h w"], timesteps: Tensor, embeds: PromptEmbeds
) -> Float[Tensor, "n d hh ww"]:
    """States of the base's encoder after its first layer, each block down and the middle, adapters off; gradients flow.

    Larger states are folded to the size of the smallest, channels beside each other, and each weighs by the middle's share of
    channels, as in the published code. The way up is evaluated too and thrown away, which costs time and nothing else.
    """
    seen: list[Tensor] = []

    def keep(module: object, inputs: object, output: Any) -> None:
        seen.append(output if isinstance(output, Tensor) else output[0])

    parts = (view.unet.conv_in, *view.unet.down_blocks, view.unet.mid_block)
    hooks = [part.register_forward_hook(keep) for part in parts]
    try:
        with reference(view) as base:
            base.predict_noise(latents, timesteps, embeds)
    finally:
        for hook in hooks:
            hook.remove()
    count, channels, height, width = seen[-1].shape
    folded = [state.reshape(count, -1, height, width) for state in seen]
    return torch.cat([channels / state.shape[1] * state.float() for state in folded], 1)
