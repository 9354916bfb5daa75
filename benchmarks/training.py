"""A preference step of ours beside that of diffusers' published Diffusion-DPO script, on a small model of SD-1.5's shape.

    python -m benchmarks.training [--rounds 15] [--batch 4] [--side 128]

The model has SD-1.5's layout with every width divided by 8 and random weights, so that the autoencoder, the text encoder
and the UNet keep their shares of the work. The peer does what ``train_diffusion_dpo.py`` of diffusers does in a step
(rank 8, AdamW, accelerate, fp32), except that it is handed decoded pictures and token ids for nothing. Steps of all
candidates alternate, so that they meet the same noise of the machine; a claim is a ratio of medians (peer / ours: above
1 we are faster). A third candidate is the peer with latents and embeddings made beforehand: it shows where the rest of
the difference lies.
"""

from __future__ import annotations

import argparse
import gc
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from t2ialign import torchvision_guard

torchvision_guard.install()

import accelerate  # noqa: E402 - after the guard
import diffusers  # noqa: E402
from diffusers import AutoencoderKL, DDPMScheduler, StableDiffusionPipeline, UNet2DConditionModel  # noqa: E402
from peft import LoraConfig  # noqa: E402
from torch.nn.functional import logsigmoid, mse_loss  # noqa: E402
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer  # noqa: E402

from t2ialign.diffusion.adapters import ATTENTION, adapter_parameters, add_adapter  # noqa: E402
from t2ialign.diffusion.backbone import load_backbone  # noqa: E402
from t2ialign.objectives.sigmoid import Sigmoid  # noqa: E402
from t2ialign.registry import BackboneEntry  # noqa: E402
from t2ialign.shapes.tokenizer import END, START, VOCABULARY, write_tokenizer  # noqa: E402
from t2ialign.training.data import paired_data  # noqa: E402
from t2ialign.training.losses import PairLoss  # noqa: E402
from t2ialign.training.plan import PRECISIONS, TrainPlan  # noqa: E402
from t2ialign.training.train import train  # noqa: E402
from t2ialign.types import PreferencePair, Prompt  # noqa: E402

PROMPTS = ("a red circle", "a blue square", "a green star", "a yellow ring")
TOKENS, WIDTH = 77, 96  # SD-1.5: 77 and 768
LEARNING_RATE, BETA = 1e-5, 2500.0


def save_model(folder: Path) -> Path:
    """SD-1.5 with widths divided by 8, random, as stock diffusers saves a pipeline."""
    torch.manual_seed(0)
    write_tokenizer(folder / "tokenizer")
    text = CLIPTextConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=12,
        num_attention_heads=12,
        max_position_embeddings=TOKENS,
        bos_token_id=START,
        eos_token_id=END,
        pad_token_id=END,
    )
    unet = UNet2DConditionModel(
        sample_size=64,
        block_out_channels=(40, 80, 160, 160),
        cross_attention_dim=WIDTH,
        attention_head_dim=8,
        norm_num_groups=8,
    )
    vae = AutoencoderKL(
        block_out_channels=(16, 32, 64, 64),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        norm_num_groups=8,
    )
    schedule = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    scheduler = DDPMScheduler(**schedule, clip_sample=False, steps_offset=1)
    StableDiffusionPipeline(
        unet=unet,
        vae=vae,
        text_encoder=CLIPTextModel(text),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer", model_max_length=TOKENS),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


class Peer:
    """The published loop's step. ``prepared``: latents and embeddings come ready, as ours do."""

    def __init__(
        self,
        folder: Path,
        batch: int,
        images: torch.Tensor,
        prepared: bool,
        device: str = "cpu",
        dtype: str = "float32",
    ) -> None:
        half = {"bfloat16": "bf16", "float16": "fp16"}.get(dtype, "no")
        pipeline = StableDiffusionPipeline.from_pretrained(folder, dtype=getattr(torch, dtype)).to(device)
        self.accelerator = accelerate.Accelerator(cpu=device == "cpu", mixed_precision=half)
        self.vae, self.text = pipeline.vae.requires_grad_(False), pipeline.text_encoder.requires_grad_(False)
        self.scheduler, self.prepared = DDPMScheduler.from_config(pipeline.scheduler.config), prepared
        unet = pipeline.unet.requires_grad_(False)
        unet.add_adapter(LoraConfig(r=8, lora_alpha=8, init_lora_weights="gaussian", target_modules=list(ATTENTION)))
        self.parameters = [parameter for parameter in unet.parameters() if parameter.requires_grad]
        for parameter in self.parameters:
            parameter.data = parameter.data.float()  # as the script keeps them
        optimizer = torch.optim.AdamW(self.parameters, lr=LEARNING_RATE, weight_decay=1e-2)
        rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
        self.unet, self.optimizer, self.rates = self.accelerator.prepare(unet, optimizer, rates)
        self.unet.train()
        texts = [PROMPTS[row % len(PROMPTS)] for row in range(batch)]
        self.ids = pipeline.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids.to(
            device
        )
        self.pixels = (images.float() / 127.5 - 1).to(device, getattr(torch, dtype))
        self.latents, self.embeds = self.encode_pictures(), self.encode_prompts()

    @torch.no_grad()
    def encode_pictures(self) -> torch.Tensor:
        return self.vae.encode(self.pixels).latent_dist.sample() * self.vae.config.scaling_factor

    @torch.no_grad()
    def encode_prompts(self) -> torch.Tensor:
        return self.text(self.ids)[0].repeat(2, 1, 1)

    def step(self) -> float:
        with self.accelerator.accumulate(self.unet):
            latents = self.latents if self.prepared else self.encode_pictures()
            noise = torch.randn_like(latents).chunk(2)[0].repeat(2, 1, 1, 1)
            timesteps = torch.randint(0, 1000, (len(latents) // 2,), device=latents.device).repeat(2)
            noisy = self.scheduler.add_noise(latents, noise, timesteps)
            embeds = self.embeds if self.prepared else self.encode_prompts()
            policy = self.errors(noisy, timesteps, embeds, noise)
            self.unet.disable_adapters()
            with torch.no_grad():
                other = self.errors(noisy, timesteps, embeds, noise)
            self.unet.enable_adapters()
            loss = -logsigmoid(BETA * (other - policy)).mean()
            self.accelerator.backward(loss)
            self.accelerator.clip_grad_norm_(self.parameters, 1.0)
            self.optimizer.step()
            self.rates.step()
            self.optimizer.zero_grad()
        return loss.item()

    def errors(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, embeds: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        """The winners' mean squared errors minus the losers'."""
        output = self.unet(noisy, timesteps, embeds).sample
        win, lose = mse_loss(output.float(), noise.float(), reduction="none").mean((1, 2, 3)).chunk(2)
        return win - lose


class Ours:
    """``train`` on the same pictures, its encoding timed apart."""

    def __init__(
        self,
        folder: Path,
        batch: int,
        images: torch.Tensor,
        steps: int,
        device: str = "cpu",
        dtype: str = "float32",
    ) -> None:
        backbone = load_backbone(BackboneEntry("sd-1.5-small", "sd", folder), device, dtype)
        pairs = [
            PreferencePair(Prompt(PROMPTS[row % len(PROMPTS)]), images[row], images[batch + row], "benchmark")
            for row in range(batch)
        ]
        started = time.perf_counter()
        data = paired_data(backbone, pairs)
        self.encoding = time.perf_counter() - started
        before = weights_of(backbone.unet)
        self.policy = add_adapter(backbone, "benchmark", rank=8)
        self.share = (weights_of(backbone.unet) - before) / before
        assert sum(parameter.numel() for parameter in adapter_parameters(self.policy).values()) * 4 == (
            weights_of(backbone.unet) - before
        )
        precision = PRECISIONS[dtype]
        plan = TrainPlan(steps=steps, batch=batch, learning_rate=LEARNING_RATE, save_every=0, precision=precision)
        self.steps: Iterator = train(self.policy, data, PairLoss(Sigmoid(), scale=BETA), plan)

    def step(self) -> float:
        return next(self.steps).loss


def weights_of(model: torch.nn.Module) -> int:
    """Bytes of a model's parameters."""
    return sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())


def unets() -> int:
    """UNets that this process holds."""
    gc.collect()
    return sum(type(thing) is UNet2DConditionModel for thing in gc.get_objects())


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--side", type=int, default=128)
    given = parser.parse_args()
    shape = (2 * given.batch, 3, given.side, given.side)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as name:
        folder = save_model(Path(name))
        ours = Ours(folder, given.batch, images, given.rounds + 2)
        first = ours.step(), ours.step()
        held = unets()
        peers = [Peer(folder, given.batch, images, prepared) for prepared in (False, True)]
        firsts = [peer.step() for peer in peers]
        [peer.step() for peer in peers]
        candidates = [peers[0].step, peers[1].step, ours.step]
        times = [[seconds(candidate) for candidate in candidates] for _ in range(given.rounds)]
    published, prepared, own = (statistics.median(column) for column in zip(*times, strict=True))
    whole = statistics.median(row[0] / row[2] for row in times)
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"| {given.batch} pairs of {given.side} px, LoRA rank 8, fp32 | a step | peer / ours |\n|---|---|---|")
    print(f"| diffusers {diffusers.__version__}'s published loop | {published:.3f} s | {published / own:.2f} |")
    print(f"| the same with latents and embeddings made beforehand | {prepared:.3f} s | {prepared / own:.2f} |")
    print(f"| ours | {own:.3f} s | 1 |")
    print(f"\nMedian of the ratios of single rounds: {whole:.2f}. First losses: {firsts[0]:.4f} and {first[0]:.4f}.")
    print(f"Ours encodes these {given.batch} pairs once, in {ours.encoding:.3f} s. UNets held while training: {held};")
    print(f"the adapter adds {100 * ours.share:.1f} % to its weights.")


if __name__ == "__main__":
    main()
