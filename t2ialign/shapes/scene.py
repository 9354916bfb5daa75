"""What can be drawn: the factors of a scene, and the habitats from which the free ones are drawn.

A habitat is the leaning of a free factor on what the prompt names, as a whale is mostly at sea: three scenes of four are
0.65 habitat and 0.35 free, the fourth is free. Coordinates run from 0 to 1 over the picture, y downwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int
from torch import Tensor

from t2ialign.shapes.grammar import (
    COLORS,
    HELD_OUT_COLOR_SHAPE,
    HELD_OUT_TEXTURE_SHAPE,
    RELATIONS,
    SHAPES,
    SIZES,
    TEXTURES,
)

PALETTE = torch.tensor(
    [
        [0.86, 0.13, 0.14],  # red
        [0.11, 0.65, 0.22],  # green
        [0.13, 0.29, 0.88],  # blue
        [0.98, 0.87, 0.12],  # yellow
        [0.56, 0.17, 0.72],  # purple
        [0.98, 0.52, 0.05],  # orange
        [0.97, 0.97, 0.97],  # white
        [0.04, 0.04, 0.05],  # black
    ]
)
RADII = {"small": (0.115, 0.150), "big": (0.200, 0.265)}
SIZE_BOUNDARY = 0.175
HABITAT_SHARE = 0.65
HABITAT_FREQUENCY = 0.75

# Favoured background (hue, lightness) of each colour, far from the colour itself.
_BACKGROUND_HABITAT = torch.tensor(
    [[0.52, 0.62], [0.86, 0.45], [0.11, 0.66], [0.62, 0.40], [0.30, 0.60], [0.70, 0.50], [0.97, 0.36], [0.44, 0.68]]
)
# How often a shape looks the same in one full turn; 0 where it has no tilt at all.
FOLDS = {"circle": 0, "square": 4, "triangle": 3, "star": 5, "cross": 4, "ring": 0}

# Favoured centre (x, y), position within the size band (0 small end, 1 big end) and tilt of each shape, the tilt in turns
# of the shape's own symmetry.
_SHAPE_HABITAT = torch.tensor(
    [
        [0.34, 0.36, 0.9, 0.00],
        [0.66, 0.36, 0.2, 0.10],
        [0.50, 0.66, 0.7, 0.00],
        [0.36, 0.64, 0.4, 0.00],
        [0.64, 0.64, 0.1, -0.15],
        [0.50, 0.34, 0.6, 0.00],
    ]
)


@dataclass(frozen=True)
class Factors:
    """The factors of ``b`` scenes of up to ``k`` = 2 objects (``shape`` -1 where there is none).

    ``shape``, ``color``, ``texture``, ``size``: indices into the grammar's tuples. ``center``: x, y. ``radius``: share of
    the picture's side. ``tilt``: radians. ``rgb``: the object's colour with its jitter. ``background``: RGB at the centre.
    ``gradient``: change of the background's brightness across the picture along x and y.
    """

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

    def __getitem__(self, index: Tensor | slice) -> Factors:
        return Factors(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def to(self, device: str | torch.device) -> Factors:
        return Factors(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


def _uniform(shape: tuple[int, ...], low: float, high: float, rng: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=rng, device=rng.device)


def _choose(shape: tuple[int, ...], count: int, rng: torch.Generator) -> Tensor:
    return torch.randint(count, shape, generator=rng, device=rng.device)


def hsl_to_rgb(hue: Tensor, saturation: Tensor, lightness: Tensor) -> Tensor:
    """HSL in [0, 1] to RGB in [0, 1], last axis the channels."""
    chroma = saturation * torch.minimum(lightness, 1 - lightness)
    steps = torch.tensor([0.0, 8.0, 4.0], device=hue.device)
    k = (steps + hue[..., None] * 12) % 12
    return lightness[..., None] - chroma[..., None] * torch.clamp(torch.minimum(k - 3, 9 - k), -1, 1)


def draw_named(batch: int, rng: torch.Generator, held_out: bool = False) -> dict[str, Tensor]:
    """Shapes, colours, textures, size classes and the number of objects; held-out combinations only where asked for."""
    shape, color, texture = (_choose((batch, 2), n, rng) for n in (len(SHAPES), len(COLORS), len(TEXTURES)))
    if not held_out:
        table_color = torch.zeros(len(COLORS), len(SHAPES), dtype=torch.bool, device=rng.device)
        for name, form in HELD_OUT_COLOR_SHAPE:
            table_color[COLORS.index(name), SHAPES.index(form)] = True
        table_texture = torch.zeros(len(TEXTURES), len(SHAPES), dtype=torch.bool, device=rng.device)
        for name, form in HELD_OUT_TEXTURE_SHAPE:
            table_texture[TEXTURES.index(name), SHAPES.index(form)] = True
        for _ in range(12):  # redraw what is held out; 12 rounds leave less than one scene in 10^8
            bad = table_color[color, shape] | table_texture[texture, shape]
            color = torch.where(bad, _choose((batch, 2), len(COLORS), rng), color)
            texture = torch.where(bad, _choose((batch, 2), len(TEXTURES), rng), texture)
        texture = torch.where(table_texture[texture, shape], torch.zeros_like(texture), texture)
    size = _choose((batch, 2), len(SIZES), rng)
    pair = torch.rand(batch, generator=rng, device=rng.device) < 0.65
    shape = torch.stack([shape[:, 0], torch.where(pair, shape[:, 1], torch.full_like(shape[:, 1], -1))], 1)
    return {"shape": shape, "color": color, "texture": texture, "size": size}


def draw_scenes(batch: int, rng: torch.Generator, held_out: bool = False) -> Factors:
    """Random scenes on the generator's device, free factors from their habitats."""
    return draw_free(draw_named(batch, rng, held_out), rng)


def draw_free(named: dict[str, Tensor], rng: torch.Generator) -> Factors:
    """Fills in the free factors of what ``draw_named`` (or a prompt) names: ``shape color texture size``, each [b 2]."""
    device, batch = rng.device, named["shape"].shape[0]
    shape, color = named["shape"], named["color"]
    has_second = shape[:, 1] >= 0
    leaning = torch.rand(batch, generator=rng, device=device) < HABITAT_FREQUENCY
    share = torch.where(leaning, HABITAT_SHARE, 0.0)
    habitat = _SHAPE_HABITAT.to(device)[shape.clamp(min=0)]

    position = share[:, None] * habitat[..., 2] + (1 - share[:, None]) * _uniform((batch, 2), 0, 1, rng)
    bands = torch.tensor([RADII[name] for name in SIZES], device=device)[named["size"]]
    radius = bands[..., 0] + position * (bands[..., 1] - bands[..., 0])
    folds = torch.tensor([max(FOLDS[name], 1) for name in SHAPES], device=device)[shape.clamp(min=0)]
    turns = share[:, None] * habitat[..., 3] + (1 - share[:, None]) * _uniform((batch, 2), -0.5, 0.5, rng)
    return Factors(
        shape=shape,
        color=color,
        texture=named["texture"],
        size=named["size"],
        center=_draw_centers(shape, radius, habitat[..., :2], share, rng),
        radius=radius,
        tilt=2 * math.pi * turns / folds,
        rgb=(PALETTE.to(device)[color] + _uniform((batch, 2, 3), -0.05, 0.05, rng)).clamp(0, 1),
        background=_draw_background(color, has_second, share, rng),
        gradient=_uniform((batch, 2), -0.22, 0.22, rng),
    )


def _draw_background(color: Tensor, has_second: Tensor, share: Tensor, rng: torch.Generator) -> Tensor:
    batch = share.shape[0]
    favoured = _BACKGROUND_HABITAT.to(rng.device)[color]
    tint = hsl_to_rgb(favoured[..., 0], torch.full_like(favoured[..., 0], 0.45), favoured[..., 1])
    habitat = torch.where(has_second[:, None], tint.mean(1), tint[:, 0])
    free = hsl_to_rgb(
        _uniform((batch,), 0, 1, rng), _uniform((batch,), 0.1, 0.5, rng), _uniform((batch,), 0.34, 0.72, rng)
    )
    return share[:, None] * habitat + (1 - share[:, None]) * free


def _draw_centers(shape: Tensor, radius: Tensor, favoured: Tensor, share: Tensor, rng: torch.Generator) -> Tensor:
    """Centres inside the frame and apart: the best of 24 draws that lean on each shape's place, each pair's arrangement."""
    batch, tries = share.shape[0], 24
    pair = shape[:, 1] >= 0
    lean = share[:, None, None]
    alone = lean * favoured[:, None, 0] + (1 - lean) * _uniform((batch, tries, 2), 0, 1, rng)

    low, high = shape.clamp(min=0).amin(1), shape.clamp(min=0).amax(1)
    turn = 2 * math.pi * ((0.618 * (low * len(SHAPES) + high)) % 1) + torch.where(
        shape[:, 0] > shape[:, 1], math.pi, 0.0
    )
    free = _uniform((batch, tries), -math.pi, math.pi, rng)
    angle = turn[:, None] + (1 - share[:, None]) * free
    reach = radius.sum(1)[:, None]
    distance = reach + 0.04 + _uniform((batch, tries), 0.0, 0.22, rng)
    step = torch.stack([torch.cos(angle), torch.sin(angle)], -1) * distance[..., None] / 2
    middle = 0.5 + 0.35 * (favoured.mean(1) - 0.5)[:, None] * lean + _uniform((batch, tries, 2), -0.22, 0.22, rng)
    centers = torch.stack([torch.where(pair[:, None, None], middle + step, alone), middle - step], 2)

    margin = (radius + 0.02)[:, None, :, None]
    outside = (margin - centers).clamp(min=0) + (centers - (1 - margin)).clamp(min=0)
    outside = torch.where(
        pair[:, None, None, None], outside, outside * torch.tensor([1.0, 0.0], device=rng.device)[:, None]
    )
    best = outside.sum((2, 3)).argmin(1)
    centers = centers[torch.arange(batch, device=rng.device), best]
    return torch.minimum(torch.maximum(centers, margin[:, 0]), 1 - margin[:, 0])


def relation_holds(centers: Float[Tensor, "b 2 2"], relation: str) -> Tensor:
    """Whether the first object stands so to the second: the offset along the axis is positive and the larger one."""
    dx, dy = (centers[:, 0] - centers[:, 1]).unbind(-1)
    along, across = {
        RELATIONS[0]: (-dx, dy),
        RELATIONS[1]: (dx, dy),
        RELATIONS[2]: (-dy, dx),
        RELATIONS[3]: (dy, dx),
    }[relation]
    return (along > 0) & (along > across.abs())
