"""Pictures and prompts to features and model-based scores. Weights load lazily, once, and are known by their SHA-256.

``ENCODERS`` is the menu of loaders. A loader is a function ``load(source, device, **options) -> Encoder``, named
``module:function``; the registry says which weights (``source``) each scorer takes. Beside it stands
``weights(source, **options)``, the parts that must be on this machine first: loading fetches nothing. To add one, write
``encoders/<name>.py`` and add its line here.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from t2ialign import torchvision_guard
from t2ialign.downloads import Part
from t2ialign.network import in_bytes
from t2ialign.registry import ScorerEntry
from t2ialign.types import Encoder, InputError

torchvision_guard.install()  # before any encoder imports open_clip, lpips or transformers, which import torchvision


ABSENT = "is not on this machine"


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
    """The encoder that a registry entry describes; only code of this package is ever loaded, and nothing is fetched.

    Raises:
        InputError: its weights are not on this machine, or damaged, or the entry is.
    """
    module, _, function = entry.loader.partition(":")
    if not module.startswith("t2ialign."):
        raise InputError(
            f"Scorer {entry.name} names the loader {entry.loader!r}, which is not part of t2ialign; mend the registry."
        )
    if absent := absent_parts(entry):
        raise InputError(f"{absent_words(entry, absent)}: `{fetch_command(entry.name)}` fetches it.")
    with torchvision_guard.IMPORTING:
        made: Encoder = getattr(import_module(module), function)(entry.source, device, **dict(entry.options))
        return made


def provided(entry: ScorerEntry) -> frozenset[str] | None:
    """The features that a scorer gives, without loading it; None where only its encoder can tell."""
    kind = _menu_entry(entry)
    if kind is None:
        return None
    feature = dict(entry.options).get("feature")
    return frozenset([feature] if feature in kind.provides else kind.provides)


def parts_of(entry: ScorerEntry) -> tuple[Part, ...]:
    """What a scorer needs of other places; nothing where it is a folder of this machine.

    Raises:
        InputError: the entry names nothing that can be loaded.
    """
    if _menu_entry(entry) is None or isinstance(entry.source, Path):
        return ()
    with torchvision_guard.IMPORTING:  # open_clip says where its tags lie
        module = import_module(entry.loader.partition(":")[0])
        found: tuple[Part, ...] = module.weights(entry.source, **dict(entry.options))
    return found


def absent_parts(entry: ScorerEntry) -> tuple[Part, ...]:
    """Those of them that are not on this machine."""
    return tuple(part for part in parts_of(entry) if part.found() is None)


def absent_words(entry: ScorerEntry, absent: tuple[Part, ...]) -> str:
    """That a scorer's weights are not here, and how large they are."""
    size = f", {in_bytes(entry.megabytes * 10**6)}" if entry.megabytes else ""
    return f"{entry.name} ({' and '.join(part.name for part in absent)}{size}) {ABSENT}"


def fetch_command(name: str) -> str:
    """The command that fetches weights of the registry."""
    return f"python -m t2ialign weights fetch {name}"


def _menu_entry(entry: ScorerEntry) -> Loader | None:
    return next((kind for kind in ENCODERS.values() if kind.loader == entry.loader), None)
