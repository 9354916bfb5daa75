"""Pictures as networks want them: resized, cropped, normalised; computed once for all scorers that want the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.weak import WeakTensorKeyDictionary

CLIP_NORM = {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711)}
CLIP_224 = {**CLIP_NORM, "size": 224, "interpolation": "bicubic", "resize_mode": "shortest"}
BLIP_480 = {**CLIP_NORM, "size": 480, "interpolation": "bicubic", "resize_mode": "squash"}
IMAGENET_NORM = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
DINO_224 = {**IMAGENET_NORM, "size": 224, "interpolation": "bicubic", "resize_mode": "squash"}

_done: WeakTensorKeyDictionary = WeakTensorKeyDictionary()  # kept as long as the pictures themselves are


def preprocess(images: UInt8[Tensor, "n 3 h w"], cfg: Mapping[str, Any]) -> Float[Tensor, "n 3 s t"]:
    """open_clip's evaluation transform for a ``preprocess_cfg``, remembered while ``images`` lives.

    Resizing goes through Pillow, as the published scores did; pictures that already have the right size need no
    detour.
    """
    from open_clip.transform import PreprocessCfg

    chosen = PreprocessCfg(**{name: _settled(value) for name, value in cfg.items()})
    known = _done.setdefault(images, {})  # type: ignore[no-untyped-call]  # torch has no types for it
    if str(chosen) not in known:
        known[str(chosen)] = _transformed(images, chosen)
    found: Tensor = known[str(chosen)]
    return found


def prepared(pixels: Float[Tensor, "n 3 h w"], cfg: Mapping[str, Any]) -> Float[Tensor, "n 3 s t"]:
    """Pixels in [0, 1] as a network wants them, with gradients: resized (bicubic, antialiased), cropped to the middle."""
    from open_clip.transform import PreprocessCfg

    chosen = PreprocessCfg(**{name: _settled(value) for name, value in cfg.items()})
    tall, wide = (chosen.size, chosen.size) if isinstance(chosen.size, int) else tuple(chosen.size)
    height, width = pixels.shape[-2:]
    if (height, width) != (tall, wide):
        scale = max(tall / height, wide / width)
        squashed = chosen.resize_mode == "squash"
        fit = (tall, wide) if squashed else (max(tall, round(scale * height)), max(wide, round(scale * width)))
        pixels = interpolate(pixels, fit, mode="bicubic", antialias=True).clamp(0, 1)
        top, left = (fit[0] - tall) // 2, (fit[1] - wide) // 2
        pixels = pixels[..., top : top + tall, left : left + wide]
    return _normalised(pixels, chosen)


def _settled(value: Any) -> Any:
    """One spelling of each setting: open_clip says (224, 224) where transformers says 224, JSON a list for a tuple."""
    value = tuple(value) if isinstance(value, list) else value
    return value[0] if isinstance(value, tuple) and len(value) == 2 and value[0] == value[1] else value


def _transformed(images: UInt8[Tensor, "n 3 h w"], chosen: Any) -> Float[Tensor, "n 3 s t"]:
    from open_clip.transform import image_transform_v2
    from torchvision.transforms.functional import to_pil_image

    size = (chosen.size, chosen.size) if isinstance(chosen.size, int) else tuple(chosen.size)
    if images.shape[-2:] != size:
        transform = image_transform_v2(chosen, is_train=False)
        return torch.stack([transform(to_pil_image(image.cpu())) for image in images]).to(images.device)
    return _normalised(images.float() / 255, chosen)


def _normalised(pixels: Float[Tensor, "n 3 s t"], chosen: Any) -> Float[Tensor, "n 3 s t"]:
    mean, std = (torch.tensor(values, device=pixels.device)[:, None, None] for values in (chosen.mean, chosen.std))
    return (pixels - mean) / std
