"""The base: text encoder and UNet trained together on dirty captions, saved as a stock ``StableDiffusionPipeline``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from t2ialign.shapes import train_vae
from t2ialign.shapes.captions import DIRTY_SHARE, caption, tokens
from t2ialign.shapes.render import render
from t2ialign.shapes.scene import Factors, draw_scenes
from t2ialign.shapes.tokenizer import END, MAX_LENGTH, START, VOCABULARY, write_tokenizer

FOLDER = "shapes"
UNCONDITIONAL_SHARE = 0.1
MIN_SNR_GAMMA = 5.0
POOL = {"cuda": 800_000, "cpu": 20_000}


class Base(nn.Module):
    """Text encoder and UNet as one model, so that they train and average together."""

    def __init__(self) -> None:
        super().__init__()
        self.text_encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(VOCABULARY),
                hidden_size=128,
                intermediate_size=512,
                num_hidden_layers=2,
                num_attention_heads=4,
                max_position_embeddings=MAX_LENGTH,
                projection_dim=128,
                hidden_act="quick_gelu",
                bos_token_id=START,
                eos_token_id=END,
                pad_token_id=END,
            )
        )
        self.unet = UNet2DConditionModel(
            sample_size=16,
            in_channels=4,
            out_channels=4,
            layers_per_block=1,
            block_out_channels=(64, 96, 160),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=128,
            attention_head_dim=4,
            norm_num_groups=16,
        )

    def forward(self, latents: Tensor, timesteps: Tensor, ids: Tensor) -> Tensor:
        noise_pred: Tensor = self.unet(latents, timesteps, self.text_encoder(ids).last_hidden_state).sample
        return noise_pred


def build(out: Path) -> Base:
    return Base()


def load(out: Path) -> Base:
    """The saved base in single precision, for training to go on from."""
    base = Base()
    text = CLIPTextModel.from_pretrained(out / "text_encoder")
    base.text_encoder.load_state_dict(text.float().state_dict())  # type: ignore[no-untyped-call]  # no types there
    base.unet.load_state_dict(UNet2DConditionModel.from_pretrained(out / "unet").float().state_dict())
    return base


def schedule() -> DDIMScheduler:
    """Stable Diffusion's own: scaled-linear betas, epsilon prediction."""
    scheduler: DDIMScheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    return scheduler


@torch.no_grad()
def draw_pool(vae: AutoencoderKL, count: int, rng: torch.Generator) -> tuple[Tensor, Factors]:
    """Latents of ``count`` training scenes (bfloat16, scaled) and their factors."""
    latents, parts = [], []
    for _ in range(0, count, 2000):
        factors = draw_scenes(2000, rng)
        pictures = render(factors).float() / 127.5 - 1
        latents.append((vae.encode(pictures).latent_dist.mean * vae.config["scaling_factor"]).bfloat16())
        parts.append(factors)
    return torch.cat(latents), Factors(
        **{field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Factors)}
    )


def loss_function(
    model: nn.Module, out: Path, batch: int, setup: torch.Generator
) -> Callable[[nn.Module, torch.Generator], Tensor]:
    vae = AutoencoderKL.from_pretrained(out / "vae").float().to(setup.device)
    latents, factors = draw_pool(vae, POOL[setup.device.type], setup)
    signal = schedule().alphas_cumprod.to(setup.device)
    empty = torch.full((MAX_LENGTH,), END, device=setup.device)
    empty[0] = START

    def loss(base: nn.Module, rng: torch.Generator) -> Tensor:
        rows = torch.randint(latents.shape[0], (batch,), generator=rng, device=rng.device)
        ids = tokens(caption(factors[rows], rng, DIRTY_SHARE), rng)
        unconditional = torch.rand(batch, generator=rng, device=rng.device) < UNCONDITIONAL_SHARE
        ids = torch.where(unconditional[:, None], empty, ids)
        clean = latents[rows].float()
        noise = torch.randn(clean.shape, generator=rng, device=rng.device)
        timesteps = torch.randint(len(signal), (batch,), generator=rng, device=rng.device)
        level = signal[timesteps][:, None, None, None]
        noise_pred = base(level.sqrt() * clean + (1 - level).sqrt() * noise, timesteps, ids).float()
        snr = (level / (1 - level)).flatten()
        weight = snr.clamp(max=MIN_SNR_GAMMA) / snr  # min-SNR weighting (Hang et al. 2023, eq. 4, epsilon form)
        loss: Tensor = (weight * (noise_pred - noise).square().mean((1, 2, 3))).mean()
        return loss

    return loss


def save(model: nn.Module, out: Path) -> None:
    """The stock layout, every file under 9 MB; keeps the VAE that stands there.

    Half precision, but for the text encoder: transformers loads what is half as half, diffusers as single, and stock
    ``from_pretrained`` without a word about precision must fit together.
    """
    write_tokenizer(out / "tokenizer")
    copy = Base()
    copy.load_state_dict(model.state_dict())
    vae_folder = out / "vae" if (out / "vae").exists() else out.with_name(FOLDER) / "vae"
    vae = AutoencoderKL.from_pretrained(vae_folder) if vae_folder.exists() else train_vae.build(out)
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=copy.text_encoder,
        tokenizer=CLIPTokenizer.from_pretrained(out / "tokenizer"),
        unet=copy.unet.half(),
        scheduler=schedule(),  # type: ignore[arg-type]  # diffusers names an enum of schedulers here
        safety_checker=None,  # type: ignore[arg-type]  # and leaves out that these two may be None
        feature_extractor=None,  # type: ignore[arg-type]
        requires_safety_checker=False,
    )
    pipeline.vae.half()
    pipeline.save_pretrained(out, max_shard_size="9MB")
