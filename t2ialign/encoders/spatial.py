"""A UniDet-style spatial score (T2I-CompBench, Huang et al. 2023) from a zero-shot detector of transformers.

The original runs a detector that transformers has not; the geometry is the same, so is the mixture: a quarter for
each thing's confidence, half for its place, nothing below a half in sum. Call it UniDet-style, never UniDet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from t2ialign.downloads import Part
from t2ialign.encoders.noun_phrases import spatial_relation
from t2ialign.encoders.weights import folder_at, folder_identity, frozen, hub_folder
from t2ialign.types import Prompt, content_key

OVERLAP, REACH, ACCEPTED = 0.1, 150 / 512, 0.5
DIRECTIONS = {
    **dict.fromkeys(("to the left of", "on the left of", "left of"), (1, 0)),
    **dict.fromkeys(("to the right of", "on the right of", "right of"), (-1, 0)),
    **dict.fromkeys(("on the top of", "on top of", "above", "over"), (0, 1)),
    **dict.fromkeys(("on the bottom of", "below", "under"), (0, -1)),
}
NEAR = ("next to", "near", "on side of", "on the side of", "beside")
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Detection:
    """The surest box of a thing (x0, y0, x1, y1 in [0, 1]) and its confidence."""

    confidence: float
    box: Box


def position(relation: str, first: Box, second: Box) -> float:
    """Whether ``first`` lies where the relation says, softly: overlap beyond a tenth costs, and so does distance."""
    step_x, step_y = (_centre(second, axis) - _centre(first, axis) for axis in (0, 1))
    if relation in NEAR:
        furthest = max(abs(step_x), abs(step_y))
        return 1.0 if min(abs(step_x), abs(step_y)) < REACH else REACH / furthest
    if relation not in DIRECTIONS:
        return 0.0
    along_x, along_y = DIRECTIONS[relation]
    ahead = step_x * along_x + step_y * along_y
    aside = abs(step_y) if along_x else abs(step_x)
    if ahead <= aside:
        return 0.0
    return min(1.0, OVERLAP / max(overlap(first, second), 1e-9))


def _centre(box: Box, axis: int) -> float:
    return (box[axis] + box[axis + 2]) / 2


def overlap(first: Box, second: Box) -> float:
    """Intersection over union."""
    sides = [max(0.0, min(first[i + 2], second[i + 2]) - max(first[i], second[i])) for i in (0, 1)]
    shared = sides[0] * sides[1]
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / max(sum(areas) - shared, 1e-9)


def spatial_score(relation: str, first: Detection | None, second: Detection | None) -> float:
    """0.25 c_1 + 0.25 c_2 + 0.5 position; zero below a half, as where a thing is missing."""
    score = sum(0.25 * found.confidence for found in (first, second) if found is not None)
    if first is not None and second is not None:
        score += 0.5 * position(relation, first.box, second.box)
    return score if score >= ACCEPTED else 0.0


@dataclass(frozen=True)
class SpatialEncoder:
    """Provides ``spatial`` [n], NaN for prompts that state no relation."""

    id: str
    sha: str
    device: str
    folder: Path
    threshold: float
    provides: tuple[str, ...] = ("spatial",)

    @cached_property
    def model(self) -> nn.Module:
        from transformers import AutoModelForZeroShotObjectDetection

        model: nn.Module = AutoModelForZeroShotObjectDetection.from_pretrained(self.folder, use_safetensors=True)
        return frozen(model, self.device)

    @cached_property
    def processor(self) -> Any:
        from transformers import AutoProcessor

        return AutoProcessor.from_pretrained(self.folder)  # type: ignore[no-untyped-call]  # no types in transformers

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        said = spatial_relation(prompt.text)
        if said is None:
            return {"spatial": torch.full((len(images),), torch.nan, device=self.device)}
        thing, relation, other = said
        return {"spatial": torch.stack([self._one(image, thing, relation, other) for image in images])}

    def _one(self, image: UInt8[Tensor, "3 h w"], thing: str, relation: str, other: str) -> Float[Tensor, ""]:
        from torchvision.transforms.functional import to_pil_image

        inputs = self.processor(text=[[thing, other]], images=to_pil_image(image.cpu()), return_tensors="pt")
        outputs = self.model(**inputs.to(self.device))
        sizes = [(1.0, 1.0)]
        found = self.processor.post_process_grounded_object_detection(
            outputs, threshold=self.threshold, target_sizes=torch.tensor(sizes, device=self.device)
        )[0]
        surest = [self._surest(found, label) for label in (0, 1)]
        return torch.tensor(spatial_score(relation, *surest), device=self.device)

    def _surest(self, found: dict[str, Tensor], label: int) -> Detection | None:
        mine = found["labels"] == label
        if not bool(mine.any()):
            return None
        best = found["scores"].masked_fill(~mine, -1).argmax()
        x0, y0, x1, y1 = found["boxes"][best].tolist()
        return Detection(float(found["scores"][best]), (x0, y0, x1, y1))


def weights(source: str | Path, **_: Any) -> tuple[Part, ...]:
    """What ``load`` wants of other places."""
    return hub_folder(source)


def load(source: str | Path, device: str, threshold: float = 0.1) -> SpatialEncoder:
    """``source``: e.g. ``google/owlv2-base-patch16-ensemble@REVISION``, or a folder of an OWL detector."""
    folder = folder_at(source)
    return SpatialEncoder("spatial", content_key([folder_identity(folder), threshold]), device, folder, threshold)
