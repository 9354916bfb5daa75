"""The families of models that can be drawn with: what is loaded of each, and how its stock pipeline calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

UNET_FOLDER = "unet"
FamilyName = Literal["sd", "sdxl", "sd3", "flux", "auraflow", "flux2", "flux2-klein", "qwenimage", "sana"]


@dataclass(frozen=True)
class Family:
    """What models of one kind have in common: diffusers' pipeline, the folder of the network that predicts, its text encoders.

    ``flow``: it predicts the velocity of a rectified flow, x_s = (1 - s) x_0 + s noise, and not the noise of a diffusion.
    ``patch``: how many latent cells on a side its network reads as one token. ``apart``: its pipeline evaluates the prompt and
    no prompt one after the other. ``names_levels``: its pipeline names the noise levels itself. ``solver``: its own sampler is
    DPM-Solver++, which is on its menu beside Euler's step.
    """

    pipeline: str
    network: str
    encoders: tuple[str, ...]
    flow: bool = False
    patch: int = 1
    apart: bool = False
    names_levels: bool = False
    solver: bool = False


TRANSFORMER = "transformer"
FAMILIES: dict[str, Family] = {
    "sd": Family("StableDiffusionPipeline", UNET_FOLDER, ("text_encoder",)),
    "sdxl": Family("StableDiffusionXLPipeline", UNET_FOLDER, ("text_encoder", "text_encoder_2")),
    "sd3": Family(
        "StableDiffusion3Pipeline",
        TRANSFORMER,
        ("text_encoder", "text_encoder_2", "text_encoder_3"),
        flow=True,
        patch=2,
    ),
    "flux": Family(
        "FluxPipeline",
        TRANSFORMER,
        ("text_encoder", "text_encoder_2"),
        flow=True,
        patch=2,
        apart=True,
        names_levels=True,
    ),
    "auraflow": Family("AuraFlowPipeline", TRANSFORMER, ("text_encoder",), flow=True, patch=2),
    "flux2": Family("Flux2Pipeline", TRANSFORMER, ("text_encoder",), flow=True, apart=True, names_levels=True),
    "flux2-klein": Family(
        "Flux2KleinPipeline", TRANSFORMER, ("text_encoder",), flow=True, apart=True, names_levels=True
    ),
    "qwenimage": Family(
        "QwenImagePipeline", TRANSFORMER, ("text_encoder",), flow=True, patch=2, apart=True, names_levels=True
    ),
    "sana": Family("SanaPipeline", TRANSFORMER, ("text_encoder",), flow=True, solver=True),
}
