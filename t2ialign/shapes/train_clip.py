"""The small CLIP scorer: an open_clip model trained contrastively on clean captions with one-word-wrong hard negatives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from t2ialign.encoders.clip import CONFIG, WEIGHTS, build_clip
from t2ialign.shapes.captions import caption, swap_one, tokens
from t2ialign.shapes.render import render
from t2ialign.shapes.scene import draw_scenes
from t2ialign.shapes.tokenizer import VOCABULARY
from t2ialign.shapes.train_reader import soften

if TYPE_CHECKING:
    from open_clip import CLIP

FOLDER = "clip-shapes"
CONTEXT = 20  # the longest prompt of the grammar has 16 tokens
MODEL_CFG = {
    "embed_dim": 128,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 64, "width": 16, "layers": [1, 1, 1, 1], "head_width": 64},
    "text_cfg": {"context_length": CONTEXT, "vocab_size": len(VOCABULARY), "width": 128, "heads": 4, "layers": 2},
}
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
PREPROCESS_CFG = {"size": 64, "mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"}


def build(out: Path) -> CLIP:
    return build_clip(MODEL_CFG)


def loss_function(
    model: CLIP, out: Path, batch: int, setup: torch.Generator
) -> Callable[[CLIP, torch.Generator], Tensor]:
    def loss(clip: CLIP, rng: torch.Generator) -> Tensor:
        factors = draw_scenes(batch, rng, held_out=True)
        pictures = soften(render(factors).float() / 255, rng)
        said = caption(factors, rng)
        image = F.normalize(clip.encode_image((pictures - MEAN[0]) / STD[0]).float(), dim=1)
        texts = torch.cat([tokens(said, rng), tokens(swap_one(said, rng), rng)])[:, :CONTEXT]
        text = F.normalize(clip.encode_text(texts).float(), dim=1)
        logits = clip.logit_scale.exp().clamp(max=100) * image @ text.T
        own = torch.arange(batch, device=rng.device)
        swapped = torch.stack([logits[own, own], logits[own, own + batch]], 1)
        contrast = F.cross_entropy(logits, own) + F.cross_entropy(logits[:, :batch].T, own)
        return contrast / 2 + F.cross_entropy(swapped, torch.zeros_like(own))

    return loss


def save(model: nn.Module, out: Path) -> None:
    """Half precision weights and the configuration that ``encoders.clip`` reads."""
    out.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().cpu().contiguous() for name, value in model.state_dict().items()}, out / WEIGHTS)
    config = {"model_cfg": MODEL_CFG, "preprocess_cfg": PREPROCESS_CFG, "tokenizer": "../shapes/tokenizer"}
    (out / CONFIG).write_text(json.dumps(config, indent=2) + "\n")
