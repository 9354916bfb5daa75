"""Factors to pixels: anti-aliased signed-distance shapes on a smooth background, vectorised, on any device."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from t2ialign.shapes.grammar import SHAPES, TEXTURES
from t2ialign.shapes.scene import Factors


def _circle(x: Tensor, y: Tensor) -> Tensor:
    return torch.hypot(x, y) - 1


def _box(x: Tensor, y: Tensor, width: float, height: float) -> Tensor:
    qx, qy = x.abs() - width, y.abs() - height
    return torch.hypot(qx.clamp(min=0), qy.clamp(min=0)) + torch.maximum(qx, qy).clamp(max=0)


def _square(x: Tensor, y: Tensor) -> Tensor:
    return _box(x, y, 0.86, 0.86)


def _polygon_edge(x: Tensor, y: Tensor, points: int, inner: float) -> Tensor:
    """Signed distance to the star with ``points`` tips on the unit circle and notches at ``inner`` (tip upwards)."""
    half = math.pi / points
    radius, angle = torch.hypot(x, y), torch.atan2(x, -y)
    folded = (angle + half) % (2 * half) - half
    px, py = radius * torch.cos(folded), radius * torch.sin(folded).abs()
    nx, ny = inner * math.cos(half), inner * math.sin(half)  # the notch; the tip is (1, 0)
    ex, ey = nx - 1, ny
    length = math.hypot(ex, ey)
    return ((px - 1) * ey - py * ex) / length


def _triangle(x: Tensor, y: Tensor) -> Tensor:
    return _polygon_edge(x, y, 3, 0.5) - 0.06


def _star(x: Tensor, y: Tensor) -> Tensor:
    return _polygon_edge(x, y, 5, 0.45) - 0.05


def _cross(x: Tensor, y: Tensor) -> Tensor:
    return torch.minimum(_box(x, y, 1.0, 0.32), _box(x, y, 0.32, 1.0))


def _ring(x: Tensor, y: Tensor) -> Tensor:
    return (torch.hypot(x, y) - 0.74).abs() - 0.26


DISTANCES = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "cross": _cross,
    "ring": _ring,
}


def second_tone(rgb: Float[Tensor, "... 3"]) -> Tensor:
    """The other colour of stripes and dots: a darker shade, or for black a lighter one, so that the colour keeps its name."""
    dark = rgb.amax(-1, keepdim=True) < 0.2
    return torch.where(dark, rgb + 0.42, rgb * 0.42)


def _texture_mask(texture: Tensor, x: Tensor, y: Tensor, radius: Tensor, pixel: float) -> Tensor:
    """Share of the second tone at each pixel: 0 for solid; stripes across, or a lattice of dots, 1 inside them."""
    period = (0.56 * radius).clamp(0.085, 0.115)
    width = pixel / period
    u, v = x * radius / period, y * radius / period
    wave = (u % 1 - 0.5).abs()
    stripes = ((0.25 - wave) / width + 0.5).clamp(0, 1)
    row = torch.floor(v / 0.87)
    du = (u + 0.5 * (row % 2)) % 1 - 0.5
    dv = (v / 0.87 - row - 0.5) * 0.87
    dots = ((0.31 - torch.hypot(du, dv)) / width + 0.5).clamp(0, 1)
    masks = torch.stack([torch.zeros_like(dots), stripes, dots])
    index = texture[None].expand(1, *texture.shape)
    return masks.gather(0, index.expand(1, *u.shape))[0]


def render(factors: Factors, side: int = 64) -> UInt8[Tensor, "b 3 h w"]:
    """Draws scenes as square pictures of ``side`` pixels."""
    device = factors.radius.device
    axis = (torch.arange(side, device=device) + 0.5) / side
    py, px = torch.meshgrid(axis, axis, indexing="ij")
    glow = (px - 0.5) * factors.gradient[:, 0, None, None] + (py - 0.5) * factors.gradient[:, 1, None, None]
    picture = (factors.background[:, :, None, None] + glow[:, None]).clamp(0, 1)
    for slot in range(factors.shape.shape[1]):
        picture = _paint(picture, factors, slot, px, py, 1 / side)
    return (picture * 255).round().to(torch.uint8)


def _paint(picture: Tensor, factors: Factors, slot: int, px: Tensor, py: Tensor, pixel: float) -> Tensor:
    def broadcast(values: Tensor) -> Tensor:
        return values[:, slot, None, None]

    radius, tilt = broadcast(factors.radius), broadcast(factors.tilt)
    dx = (px - factors.center[:, slot, 0, None, None]) / radius
    dy = (py - factors.center[:, slot, 1, None, None]) / radius
    x = torch.cos(tilt) * dx + torch.sin(tilt) * dy
    y = -torch.sin(tilt) * dx + torch.cos(tilt) * dy
    distances = torch.stack([DISTANCES[name](x, y) for name in SHAPES])
    kind = broadcast(factors.shape)
    distance = distances.gather(0, kind.clamp(min=0)[None].expand(1, *x.shape))[0] * radius
    cover = ((-distance / pixel) + 0.5).clamp(0, 1) * (kind >= 0)
    rgb = factors.rgb[:, slot]
    mask = _texture_mask(broadcast(factors.texture), x, y, radius, pixel)[:, None]
    paint = rgb[:, :, None, None] * (1 - mask) + second_tone(rgb)[:, :, None, None] * mask
    return picture * (1 - cover[:, None]) + paint * cover[:, None]


assert tuple(DISTANCES) == SHAPES and TEXTURES == ("solid", "striped", "dotted")
