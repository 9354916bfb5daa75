"""The step-aware preference model: pairs of scenes of a prompt, seen by the base through one and the same noise.

The rater of a pair is the public: the mean of its groups' tastes, with Bradley-Terry's noise as a soft label. As in SPO both
pictures of a pair get the same noise at the same step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import CLIPTokenizer

from t2ialign.shapes import step_scorer, train_base
from t2ialign.shapes.annotator import PUBLIC, TASTES, utility
from t2ialign.shapes.grammar import parse, prompts
from t2ialign.shapes.oracle import from_factors, scenes_of
from t2ialign.shapes.render import render
from t2ialign.shapes.scene import Factors
from t2ialign.shapes.step_scorer import StepScorer
from t2ialign.shapes.tokenizer import MAX_LENGTH

FOLDER = step_scorer.FOLDER
PER_CATEGORY = 40  # prompts; each with its own scenes and as many of the next prompt's
SCENES = 8


@dataclass(frozen=True)
class Pool:
    """For each prompt its tokens, latents of its scenes and of others', and what the public thinks of each for it."""

    tokens: Float[Tensor, "p l d"]
    latents: Float[Tensor, "p s c h w"]
    utilities: Float[Tensor, "p s"]


def build(out: Path) -> StepScorer:
    return StepScorer()


@torch.no_grad()
def draw_pool(base: train_base.Base, vae: AutoencoderKL, folder: Path, rng: torch.Generator) -> Pool:
    """The scenes, rated by what is true of them."""
    said = prompts("train", PER_CATEGORY)
    specs = [parse(prompt.text) for prompt in said]
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    ids = tokenizer([one.text for one in said], padding="max_length", max_length=MAX_LENGTH, return_tensors="pt")
    own = [scenes_of(spec, SCENES, rng) for spec in specs]
    latents, utilities = [], []
    for number, spec in enumerate(specs):
        both = _joined(own[number], own[(number + 1) % len(own)])
        pictures = render(both).float() / 127.5 - 1
        latents.append(vae.encode(pictures).latent_dist.mean * vae.config["scaling_factor"])
        reading = from_factors(both)
        utilities.append(torch.stack([utility(reading, spec, TASTES[group]) for group in PUBLIC]).mean(0))
    tokens = base.text_encoder(ids.input_ids.to(rng.device)).last_hidden_state
    return Pool(tokens, torch.stack(latents), torch.stack(utilities))


def _joined(first: Factors, second: Factors) -> Factors:
    """Scenes of two prompts in one batch; where one has fewer objects, the rest are none."""
    parts = {}
    for field in fields(Factors):
        one, other = getattr(first, field.name), getattr(second, field.name)
        parts[field.name] = torch.cat([one, other])
    return Factors(**parts)


def loss_function(
    model: nn.Module, out: Path, batch: int, setup: torch.Generator
) -> Callable[[nn.Module, torch.Generator], Tensor]:
    folder = out.with_name(train_base.FOLDER)
    base = train_base.load(folder).to(setup.device).eval().requires_grad_(False)
    vae = AutoencoderKL.from_pretrained(folder / "vae").float().to(setup.device).requires_grad_(False)
    pool, signal = draw_pool(base, vae, folder, setup), train_base.schedule().alphas_cumprod.to(setup.device)

    def loss(scorer: nn.Module, rng: torch.Generator) -> Tensor:
        count, scenes = pool.utilities.shape
        rows = torch.randint(count, (batch,), generator=rng, device=rng.device)
        pair = torch.rand((batch, scenes), generator=rng, device=rng.device).argsort(1)[:, :2]
        timesteps = torch.randint(len(signal), (batch,), generator=rng, device=rng.device)
        noise = torch.randn(pool.latents[0, :1].expand(batch, -1, -1, -1).shape, generator=rng, device=rng.device)
        level = signal[timesteps].repeat(2)[:, None, None, None]
        clean = torch.cat([pool.latents[rows, pair[:, side]] for side in (0, 1)])
        twice, tokens = timesteps.repeat(2), pool.tokens[rows].repeat(2, 1, 1)
        with torch.no_grad():
            noisy = level.sqrt() * clean + (1 - level).sqrt() * noise.repeat(2, 1, 1, 1)
            noise_pred = base.unet(noisy, twice, tokens).sample.float()
            seen = (noisy - (1 - level).sqrt() * noise_pred) / level.sqrt()
            pictures = (vae.decode(seen / vae.config["scaling_factor"]).sample.float() / 2 + 0.5).clamp(0, 1)
        first, second = scorer(pictures, tokens, twice).chunk(2)
        liked, other = (pool.utilities[rows, pair[:, side]] for side in (0, 1))
        return binary_cross_entropy_with_logits(first - second, (liked - other).sigmoid())

    return loss


def save(model: nn.Module, out: Path) -> None:
    """Half precision."""
    out.mkdir(parents=True, exist_ok=True)
    weights = {name: value.half().cpu().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, out / step_scorer.WEIGHTS)
