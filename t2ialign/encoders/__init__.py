"""Pictures and prompts to features and model-based scores. Weights load lazily, once, and are known by their SHA-256.

``ENCODERS`` is the menu of loaders. A loader is a function ``load(source, device, **options) -> Encoder``, named
``module:function``; the registry says which weights (``source``) each scorer takes. To add one, write
``encoders/<name>.py`` and add its line here.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from t2ialign.types import Encoder, InputError

if TYPE_CHECKING:
    from t2ialign.registry import ScorerEntry


@dataclass(frozen=True)
class Loader:
    """A kind of encoder: where its loader is and which features its encoders provide."""

    loader: str
    provides: tuple[str, ...]


ENCODERS: dict[str, Loader] = {
    "clip": Loader("t2ialign.encoders.clip:load", ("clip_image", "clip_text")),
    "lpips": Loader("t2ialign.encoders.lpips:load", ("lpips",)),
}


def load_encoder(entry: ScorerEntry, device: str) -> Encoder:
    """The encoder that a registry entry describes; only code of this package is ever loaded."""
    module, _, function = entry.loader.partition(":")
    if not module.startswith("t2ialign."):
        raise InputError(
            f"Scorer {entry.name} names the loader {entry.loader!r}, which is not part of t2ialign; mend the registry."
        )
    return getattr(import_module(module), function)(entry.source, device, **dict(entry.options))
