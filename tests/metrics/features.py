"""Feature sets for the metric tests, with every entry that any metric reads."""

from __future__ import annotations

from functools import cache

import numpy as np
import skimage.data
import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

CLIP_DIM, LPIPS_DIM = 16, 300
EMBEDDINGS = ("dinov2", "dreamsim", "embedding")
GIVEN = ("vqa_score", "vqa_score_ratio", "blip_vqa", "spatial", "aesthetic", "image_reward")
GIVEN += (
    "mutual_information_renoise",
    "mutual_information_renoise_released",
    "pick_score",
    "hps_v20",
    "hps_v21",
    "taste",
    "style_sunny",
    "style_nocturne",
    "style_airy",
    "style_minimal",
)
FACTORS = {"background": (1, 3), "gradient": (1, 2), "place": (2, 2), "size": (1, 1), "tilt": (2, 2)}
PER_PROMPT = ("clip_text",)


def random_features(n: int, seed: int = 0, size: tuple[int, int] = (24, 20)) -> dict[str, Tensor]:
    """n unrelated pictures with unrelated features."""
    draw = torch.Generator().manual_seed(seed)
    return {
        "images": torch.randint(0, 256, (n, 3, *size), generator=draw, dtype=torch.uint8),
        "clip_image": normalize(torch.randn(n, CLIP_DIM, generator=draw) + 0.5, dim=1),
        "clip_text": normalize(torch.randn(CLIP_DIM, generator=draw), dim=0),
        "clip_text_depicts": normalize(torch.randn(CLIP_DIM, generator=draw), dim=0).expand(n, -1),
        **{name: torch.rand(n, generator=draw) for name in GIVEN},
        **{name: normalize(torch.randn(n, 9, generator=draw) + 1, dim=1) for name in EMBEDDINGS},
        "lpips": torch.rand(n, LPIPS_DIM, generator=draw),
        "mutual_information": torch.rand(n, generator=draw) * 10,
        "mutual_information_released": torch.rand(n, generator=draw) * 40,
        "claims": (torch.rand(n, 4, generator=draw) > 0.5).float(),
        "faithful": torch.ones(n),
        **{f"factors_{group}": torch.randn(n, *shape, generator=draw) for group, shape in FACTORS.items()},
    }


def take(features: dict[str, Tensor], index: list[int]) -> dict[str, Tensor]:
    """The features of some of the pictures, in any order and with repetition."""
    return {name: value if name in PER_PROMPT else value[index] for name, value in features.items()}


@cache
def crops() -> Tensor:
    """Unscaled parts of those photographs, of an odd size: every byte is as in the file."""
    astronaut, cat, coffee = skimage.data.astronaut(), skimage.data.chelsea(), skimage.data.coffee()
    parts = [astronaut[100:161, 180:235], cat[100:161, 200:255], coffee[150:211, 250:305], astronaut[103:164, 180:235]]
    return torch.from_numpy(np.stack(parts)).permute(0, 3, 1, 2).contiguous()


@cache
def natural(size: int = 64) -> Tensor:
    """Photographs that scikit-image ships with its package, as uint8 [n 3 size size]; the last is the first,
    shifted."""
    astronaut, cat, coffee = skimage.data.astronaut(), skimage.data.chelsea(), skimage.data.coffee()
    crops = [astronaut[:300, 100:400], astronaut[200:500, 200:500], cat[:300, 60:360], coffee[80:380, 150:450]]
    pixels = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()
    small = interpolate(pixels, (size, size), mode="bilinear", antialias=True).round().clamp(0, 255).to(torch.uint8)
    return torch.cat([small, small[:1].roll(3, -1)])
