"""The oracle's eyes: a small convolutional network that reads a picture back into the factors of its scene.

Objects are peaks of a 16 x 16 map (one cell is four pixels); each cell also reads shape, colour, texture, size, tilt and
exact colour of the object centred there. The background is read from the pooled map. Trained on renders alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from t2ialign.shapes.grammar import COLORS, SHAPES, TEXTURES
from t2ialign.shapes.scene import FOLDS, SIZE_BOUNDARY, Factors

GRID = 16
_HEADS = {"exists": 1, "offset": 2, "radius": 1, "tilt": 2, "rgb": 3}
_CLASSES = {"shape": len(SHAPES), "color": len(COLORS), "texture": len(TEXTURES)}


class Residual(nn.Module):
    """Two 3 x 3 convolutions around a skip, GroupNorm before each."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


class Reader(nn.Module):
    """Pictures in [0, 1], ``b 3 64 64``, to raw heads; ``read`` turns those into a ``Reading``."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),
            Residual(64),
            nn.Conv2d(64, width, 4, stride=2, padding=1),
            *(Residual(width, dilation) for dilation in (1, 2, 1, 4, 1, 2)),
            nn.GroupNorm(8, width),
            nn.SiLU(),
        )
        self.cells = nn.Conv2d(width, sum(_HEADS.values()) + sum(_CLASSES.values()), 1)
        self.surroundings = nn.Sequential(nn.Linear(2 * width, 128), nn.SiLU(), nn.Linear(128, 5))

    def forward(self, pictures: Float[Tensor, "b 3 h w"]) -> dict[str, Tensor]:
        features = self.stem(pictures * 2 - 1)
        heads = dict(
            zip(
                [*_HEADS, *_CLASSES], self.cells(features).split([*_HEADS.values(), *_CLASSES.values()], 1), strict=True
            )
        )
        pooled = torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)
        heads["surroundings"] = self.surroundings(pooled)
        return {name: head.float() for name, head in heads.items()}


@dataclass(frozen=True)
class Reading:
    """What was seen in ``b`` pictures: up to ``k`` objects each, the surest first; ``confidence`` 0 where there is none.

    Fields as in ``Factors``; ``tilt`` is in turns of the shape's own symmetry, in [-0.5, 0.5), NaN for circles and rings.
    """

    confidence: Float[Tensor, "b k"]
    shape: Int[Tensor, "b k"]
    color: Int[Tensor, "b k"]
    texture: Int[Tensor, "b k"]
    size: Int[Tensor, "b k"]
    center: Float[Tensor, "b k 2"]
    radius: Float[Tensor, "b k"]
    tilt: Float[Tensor, "b k"]
    rgb: Float[Tensor, "b k 3"]
    background: Float[Tensor, "b 3"]
    gradient: Float[Tensor, "b 2"]


@torch.inference_mode()
def read(reader: Reader, images: UInt8[Tensor, "b 3 h w"], objects: int = 3, threshold: float = 0.35) -> Reading:
    """Reads pictures of any size (resized to 64 pixels) into factors."""
    return reading_of(reader, images.float() / 255, objects, threshold)


def reading_of(
    reader: Reader, pictures: Float[Tensor, "b 3 h w"], objects: int = 3, threshold: float = 0.35
) -> Reading:
    """What the reader sees in pixels in [0, 1], with gradients, but for which objects there are and of which kind."""
    if pictures.shape[-2:] != (64, 64):
        pictures = F.interpolate(pictures, (64, 64), mode="bilinear", antialias=True)
    heads = reader(pictures)
    heat = heads["exists"].sigmoid()
    peaks = heat * (heat == F.max_pool2d(heat, 3, stride=1, padding=1))
    confidence, cells = peaks.flatten(1).topk(objects)
    rows, columns = cells // GRID, cells % GRID

    def pick(name: str) -> Tensor:
        flat = heads[name].flatten(2)
        picked: Tensor = flat.gather(2, cells[:, None].expand(-1, flat.shape[1], -1)).transpose(1, 2)
        return picked

    shape, tilt, radius = pick("shape").argmax(-1), pick("tilt"), pick("radius")[..., 0].exp()
    folds = torch.tensor([FOLDS[name] for name in SHAPES], device=pictures.device)[shape]
    turns = torch.atan2(tilt[..., 1], tilt[..., 0]) / (2 * torch.pi)
    return Reading(
        confidence=torch.where(confidence > threshold, confidence, 0.0),
        shape=shape,
        color=pick("color").argmax(-1),
        texture=pick("texture").argmax(-1),
        size=(radius > SIZE_BOUNDARY).long(),
        center=(torch.stack([columns, rows], -1) + 0.5 + pick("offset")) / GRID,
        radius=radius,
        tilt=torch.where(folds > 0, turns, torch.nan),
        rgb=pick("rgb"),
        background=heads["surroundings"][:, :3],
        gradient=heads["surroundings"][:, 3:],
    )


def reader_loss(heads: dict[str, Tensor], factors: Factors) -> Tensor:
    """Sum of the heads' losses: focal heat map, cross-entropies and smooth L1 at the objects' own cells."""
    present = factors.shape >= 0
    place = factors.center * GRID - 0.5
    cell = place.round().clamp(0, GRID - 1)
    index = (cell[..., 1] * GRID + cell[..., 0]).long()
    loss = _heat_loss(heads["exists"][:, 0], place, present)

    def at_objects(name: str) -> Tensor:
        flat = heads[name].flatten(2)
        return flat.gather(2, index[:, None].expand(-1, flat.shape[1], -1)).transpose(1, 2)[present]

    for name in _CLASSES:
        loss = loss + F.cross_entropy(at_objects(name), getattr(factors, name)[present], label_smoothing=0.02)
    folds = torch.tensor([FOLDS[name] for name in SHAPES], device=index.device)[factors.shape.clamp(min=0)]
    angle = (factors.tilt * folds)[present]
    tilt = torch.stack([angle.cos(), angle.sin()], -1)
    has_tilt = (folds > 0)[present].float()
    loss = loss + 2 * F.smooth_l1_loss(at_objects("offset"), (place - cell)[present], beta=0.1)
    loss = loss + 4 * F.smooth_l1_loss(at_objects("radius")[:, 0], factors.radius[present].log(), beta=0.1)
    loss = loss + ((at_objects("tilt") - tilt).square().sum(-1) * has_tilt).mean()
    loss = loss + 4 * F.smooth_l1_loss(at_objects("rgb"), factors.rgb[present], beta=0.1)
    surroundings = torch.cat([factors.background, factors.gradient], 1)
    return loss + 4 * F.smooth_l1_loss(heads["surroundings"], surroundings, beta=0.1)


def _heat_loss(logits: Tensor, place: Tensor, present: Tensor) -> Tensor:
    """Penalty-reduced focal loss on a Gaussian bump of one cell around each centre (CenterNet, eq. 1)."""
    axis = torch.arange(GRID, device=logits.device)
    squared = (axis[None, None, :, None] - place[..., 1, None, None]) ** 2
    squared = squared + (axis[None, None, None, :] - place[..., 0, None, None]) ** 2
    heat = (torch.exp(-squared / 1.0) * present[..., None, None]).amax(1)
    cell = place.round().clamp(0, GRID - 1).long()
    target = torch.zeros_like(heat, dtype=torch.bool)
    rows = torch.arange(heat.shape[0], device=logits.device)[:, None].expand_as(present)
    target[rows[present], cell[..., 1][present], cell[..., 0][present]] = True
    chance = logits.float().sigmoid()
    hit = -F.logsigmoid(logits.float()) * (1 - chance) ** 2
    miss = -F.logsigmoid(-logits.float()) * chance**2 * (1 - heat) ** 4
    return torch.where(target, hit, miss).sum() / present.sum().clamp(min=1)
