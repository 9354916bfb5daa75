"""How well the embedded world's instruments read: the oracle per factor, and the small CLIP on one-word swaps.

Both on held-out renders (seeds that no training used). ``python -m t2ialign world`` runs these and sweeps the base.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from t2ialign.shapes.captions import caption, swap_one, tokens
from t2ialign.shapes.reader import Reader, read
from t2ialign.shapes.render import render
from t2ialign.shapes.scene import Factors, draw_scenes

HELD_OUT_SEED = 20_261_121


@runtime_checkable
class ClipNetwork(Protocol):
    """What is asked of a CLIP here: embeddings of prepared pictures and of token rows."""

    context_length: int

    def encode_image(self, image: Tensor) -> Tensor: ...
    def encode_text(self, text: Tensor) -> Tensor: ...


def held_out_scenes(count: int) -> Factors:
    """Scenes of every combination, the held-out ones included."""
    return draw_scenes(count, torch.Generator().manual_seed(HELD_OUT_SEED), held_out=True)


def nearest_slots(
    centers: Float[Tensor, "b k 2"], confidence: Float[Tensor, "b k"], truth: Tensor
) -> Int[Tensor, "b m"]:
    """For each true object the nearest seen one."""
    gaps = torch.cdist(truth, centers) + torch.where(confidence > 0, 0.0, 1e3)[:, None]
    return gaps.argmin(-1)


def oracle_accuracy(reader: Reader, count: int = 2000) -> dict[str, float]:
    """Share of pictures whose number of objects is right, share of objects right by factor, and mean absolute errors.

    Errors of ``center``, ``radius`` and ``background`` are in shares of the picture's side and of the colour range.
    """
    factors = held_out_scenes(count)
    parts = [read(reader, render(factors[start : start + 250])) for start in range(0, count, 250)]
    seen = {name: torch.cat([getattr(part, name) for part in parts]) for name in parts[0].__dataclass_fields__}
    present = factors.shape >= 0
    slots = nearest_slots(seen["center"], seen["confidence"], factors.center)
    rows = torch.arange(count)[:, None]
    result = {"objects": ((seen["confidence"] > 0).sum(1) == present.sum(1)).float().mean().item()}
    for name in ("shape", "color", "texture", "size"):
        right = (seen[name][rows, slots] == getattr(factors, name)) & (seen["confidence"][rows, slots] > 0)
        result[name] = right[present].float().mean().item()
    for name in ("center", "radius"):
        error = (seen[name][rows, slots] - getattr(factors, name)).abs()
        result[f"{name}_error"] = error[present].mean().item()
    result["background_error"] = (seen["background"] - factors.background).abs().mean().item()
    return result


@torch.inference_mode()
def swap_accuracy(network: ClipNetwork, mean: float, std: float, count: int = 2000) -> float:
    """Share of held-out renders whose true caption scores above the same caption with one word wrong; chance is 0.5."""
    rng = torch.Generator().manual_seed(HELD_OUT_SEED + 1)
    right = 0
    for start in range(0, count, 250):
        factors = held_out_scenes(count)[start : start + 250]
        said = caption(factors, rng)
        image = network.encode_image((render(factors).float() / 255 - mean) / std)
        image = image / image.norm(dim=1, keepdim=True)
        cosines = []
        for captions in (said, swap_one(said, rng)):
            text = network.encode_text(tokens(captions, rng)[:, : network.context_length])
            cosines.append((image * text / text.norm(dim=1, keepdim=True)).sum(1))
        right += int((cosines[0] > cosines[1]).sum())
    return right / count
