"""How many pictures are drawn at a time: from the memory that is free, and from what fitted before in this process."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from t2ialign import settings
from t2ialign.diffusion.backbone import DTYPES, Backbone
from t2ialign.diffusion.offload import size_of, takes_turns
from t2ialign.types import GenerationConfig

AT_MOST = {"cpu": 8, "cuda": 16, "mps": 4}
PIXEL = 1024  # numbers that a network holds at a time for each pixel of a picture, with and without the prompt: a safe guess
SPARED = 0.1  # of free memory, for what torch cannot use of it
MORE = 1.5  # with so many times the memory that was free when a size did not fit, it is tried again
Key = tuple[str, str, str, str, int, int, str]


@dataclass(frozen=True)
class Fitted:
    """A number of pictures that is not to be gone beyond, and the bytes that were free when more did not fit."""

    pictures: int
    free: int | None


_fitted: dict[Key, Fitted] = {}


def micro_batch(view: Backbone, config: GenerationConfig) -> int:
    """How many pictures of a config to begin with; the loop halves what does not fit."""
    free, most = free_memory(view.device), AT_MOST[view.device.partition(":")[0]]
    if free is not None:
        away = size_of(view.unet) if takes_turns(view) else 0
        number = PIXEL * config.height * config.width * DTYPES[view.dtype].itemsize
        most = min(most, int((free - away) * (1 - SPARED) / number))
    known = _fitted.get(_key(view, config))
    if known is not None and (free is None or known.free is None or free < MORE * known.free):
        most = min(most, known.pictures)
    return max(most, 1)


def remember(view: Backbone, config: GenerationConfig, pictures: int) -> None:
    """Says that more pictures than these did not fit."""
    _fitted[_key(view, config)] = Fitted(pictures, free_memory(view.device))


def free_memory(device: str) -> int | None:
    """The bytes that a device has free, with those that torch keeps for later; None where nothing tells."""
    if settings.LENT_GPU or not device.startswith("cuda"):
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def _key(view: Backbone, config: GenerationConfig) -> Key:
    return view.entry.name, view.revision, view.device, view.dtype, config.height, config.width, config.guidance
