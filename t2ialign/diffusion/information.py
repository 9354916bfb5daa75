"""Mutual information of any picture with a prompt, from latents that are noised again (MI-TUNE, eq. 2, on a grid of t).

The estimate of the sampling loop follows the trajectory that made a picture, and so tells of the guidance too. This one
asks the bare backbone about finished pictures, whoever made them: z_t = sqrt(abar_t) z + sqrt(1 - abar_t) noise at
timesteps spread evenly, the same noise for every picture, so that what differs between two pictures is the pictures.
Of a flow z_s = (1 - s) z + s noise at noise levels spread evenly, with the integrands of ``tally``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import interpolate

from t2ialign.content import snapshot_sha
from t2ialign.diffusion.backbone import Backbone, download, load_backbone, variant_of
from t2ialign.diffusion.inputs import no_information
from t2ialign.diffusion.noise import add_noise, epsilon_gap, kappa, kappa_released
from t2ialign.diffusion.schedulers import begin_run
from t2ialign.diffusion.tally import RELEASED_ABOVE, RELEASED_LEVELS, rfmi_term, velocity_gap
from t2ialign.diffusion.text import PromptEmbeds, stack
from t2ialign.names import unknown
from t2ialign.registry import BackboneEntry, load_registry, revision_of
from t2ialign.types import GenerationConfig, InputError, Prompt

TIMESTEPS, SEED, BATCH = 10, 0, 16
TRAINED = 1000  # what a flow's noise level is multiplied by to be its timestep
PROVIDES = ("mutual_information_renoise", "mutual_information_renoise_released")


@dataclass(frozen=True)
class Information:
    """In nats: ``paper`` with alpha_t over all timesteps, ``released`` without it above t = 50; ``share`` of the former."""

    paper: Float[Tensor, " n"]
    released: Float[Tensor, " n"]
    share: Float[Tensor, "n h w"]


def grid(count: int, train_timesteps: int, t_min: int = 0) -> list[int]:
    """The middles of ``count`` equal parts of the timesteps above ``t_min``."""
    width = (train_timesteps - t_min) / count
    return [int(t_min + (index + 0.5) * width) for index in range(count)]


@torch.no_grad()
def renoised_information(
    backbone: Backbone,
    latents: Float[Tensor, "n c h w"],
    prompt: PromptEmbeds,
    empty: PromptEmbeds,
    timesteps: Sequence[int],
    seed: int = SEED,
) -> Information:
    """The estimate at these timesteps, two evaluations of the UNet each; ``latents`` are in the VAE's scaled space."""
    if backbone.flow:
        return _of_a_flow(backbone, latents, (prompt, empty), [timestep / TRAINED for timestep in timesteps], seed)
    scheduler = begin_run(backbone.scheduler_config, "ddpm", 1, backbone.device).scheduler
    last = scheduler.config.num_train_timesteps
    embeds = stack([empty.repeat(len(latents)), prompt.repeat(len(latents))])
    rng = torch.Generator().manual_seed(seed)
    share = released = torch.zeros_like(latents[:, 0])
    above = 0
    for timestep in timesteps:
        alpha_bar, beta = float(scheduler.alphas_cumprod[timestep]), float(scheduler.betas[timestep])
        noise = torch.randn(latents.shape[1:], generator=rng).to(latents).expand_as(latents)
        noisy = add_noise(latents, noise, alpha_bar)
        outputs = backbone.predict_noise(torch.cat([noisy, noisy]), torch.tensor(timestep), embeds)
        uncond, cond = outputs.chunk(2)
        gap = epsilon_gap(cond, uncond, alpha_bar, backbone.prediction)
        share = share + kappa(beta, alpha_bar, last) * gap
        if timestep > RELEASED_ABOVE:
            above += 1
            released = released + kappa_released(beta, alpha_bar, last) * gap
    share = share / len(timesteps)
    return Information(share.sum((1, 2)), released.sum((1, 2)) / (above or float("nan")), share)


def _of_a_flow(
    backbone: Backbone,
    latents: Float[Tensor, "n c h w"],
    embeds: tuple[PromptEmbeds, PromptEmbeds],
    levels: Sequence[float],
    seed: int,
) -> Information:
    """The same at noise levels of a flow: the integrals' means over them."""
    rng = torch.Generator().manual_seed(seed)
    said, empty = (one.repeat(len(latents)) for one in embeds)
    share, released, counted = torch.zeros_like(latents[:, 0]), torch.zeros_like(latents[:, 0, 0, 0]), 0
    for level in levels:
        noise = torch.randn(latents.shape[1:], generator=rng).to(latents).expand_as(latents)
        noisy = add_noise(latents, noise, 1 - level, "flow")
        cond, uncond = (backbone.predict_noise(noisy, torch.tensor(level * TRAINED), one) for one in (said, empty))
        weight = (1 - level) / level
        share = share + weight * velocity_gap(cond, uncond)
        if RELEASED_LEVELS[0] < level < RELEASED_LEVELS[1]:
            counted += 1
            released = released + weight * rfmi_term(cond, uncond)
    share = share / len(levels)
    return Information(share.sum((1, 2)), released / (counted or float("nan")), share)


@dataclass(frozen=True)
class InformationEncoder:
    """Provides ``mutual_information_renoise`` and ``.._released`` [n] by a backbone without adapters, loaded when asked.

    Pictures of another size are brought to the backbone's first.
    """

    id: str
    sha: str
    device: str
    dtype: str
    entry: BackboneEntry
    timesteps: int
    t_min: int
    provides: tuple[str, ...] = PROVIDES

    @cached_property
    def backbone(self) -> Backbone:
        return load_backbone(self.entry, self.device, self.dtype)

    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        parts = [self.information(batch, prompt) for batch in torch.split(self._sized(images), BATCH)]
        found = (torch.cat([part.paper for part in parts]), torch.cat([part.released for part in parts]))
        return {name: values.float().cpu() for name, values in zip(PROVIDES, found, strict=True)}

    def information(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> Information:
        """The whole estimate, with each latent cell's share."""
        backbone = self.backbone
        said, empty = (backbone.encode_prompts([text]) for text in (prompt.text, ""))
        times = grid(self.timesteps, int(backbone.scheduler_config["num_train_timesteps"]), self.t_min)
        return renoised_information(backbone, backbone.encode(images), said, empty, times)

    def _sized(self, images: UInt8[Tensor, "n 3 h w"]) -> UInt8[Tensor, "n 3 hh ww"]:
        side = (self.entry.size, self.entry.size)
        if tuple(images.shape[-2:]) == side:
            return images
        resized = interpolate(images.float(), side, mode="bilinear", antialias=True)
        return resized.round().clamp(0, 255).to(torch.uint8)


def load(source: str, device: str, timesteps: int = TIMESTEPS, t_min: int = 0) -> InformationEncoder:
    """``source``: the name of a backbone of the registry; ``timesteps`` and ``t_min`` are part of the identity."""
    known = load_registry().backbones
    if source not in known:
        raise unknown("backbone", source, known)
    entry = known[source]
    if reason := no_information(GenerationConfig(source), entry):
        raise InputError(f"The mutual information of pictures by {source} is {reason}: name another backbone.")
    dtype = entry.dtype or "float32"
    revision = revision_of(entry) or snapshot_sha(download(entry, variant_of(entry, dtype)))
    asked = hashlib.sha256(f"{timesteps} {t_min} {SEED} {dtype}".encode()).hexdigest()[:4]
    return InformationEncoder(f"information-{source}", f"{revision[:8]}{asked}", device, dtype, entry, timesteps, t_min)
