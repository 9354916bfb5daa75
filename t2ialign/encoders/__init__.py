"""Pictures and prompts to features and model-based scores. Weights load lazily, once, and are known by their SHA-256.

``ENCODERS`` is the menu of loaders. A loader is a function ``load(source, device, **options) -> Encoder``, named
``module:function``; the registry says which weights (``source``) each scorer takes. To add one, write
``encoders/<name>.py`` and add its line here.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from t2ialign import torchvision_guard
from t2ialign.registry import ScorerEntry
from t2ialign.types import Encoder, InputError

torchvision_guard.install()  # before any encoder imports open_clip, lpips or transformers, which import torchvision


@dataclass(frozen=True)
class Loader:
    """A kind of encoder: where its loader is and which features its encoders provide."""

    loader: str
    provides: tuple[str, ...]


ENCODERS: dict[str, Loader] = {
    "clip": Loader("t2ialign.encoders.clip:load", ("clip_image", "clip_text", "clip_text_depicts")),
    "lpips": Loader("t2ialign.encoders.lpips:load", ("lpips",)),
    "dinov2": Loader("t2ialign.encoders.dinov2:load", ("dinov2",)),
    "dreamsim": Loader("t2ialign.encoders.dreamsim:load", ("dreamsim",)),
    "inception": Loader("t2ialign.encoders.inception:load", ("inception",)),
    "aesthetic": Loader("t2ialign.encoders.aesthetic:load", ("aesthetic",)),
    "image_reward": Loader("t2ialign.encoders.image_reward:load", ("image_reward",)),
    "pick_score": Loader("t2ialign.encoders.pick_score:load", ("pick_score",)),
    "hps": Loader("t2ialign.encoders.hps:load", ("hps_v20", "hps_v21")),
    "vqa_score": Loader("t2ialign.encoders.vqa_score:load", ("vqa_score", "vqa_score_ratio")),
    "blip_vqa": Loader("t2ialign.encoders.blip_vqa:load", ("blip_vqa",)),
    "spatial": Loader("t2ialign.encoders.spatial:load", ("spatial",)),
}


def load_encoder(entry: ScorerEntry, device: str) -> Encoder:
    """The encoder that a registry entry describes; only code of this package is ever loaded."""
    module, _, function = entry.loader.partition(":")
    if not module.startswith("t2ialign."):
        raise InputError(
            f"Scorer {entry.name} names the loader {entry.loader!r}, which is not part of t2ialign; mend the registry."
        )
    return getattr(import_module(module), function)(entry.source, device, **dict(entry.options))
