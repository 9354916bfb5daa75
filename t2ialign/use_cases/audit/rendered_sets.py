"""Renders with known truth for the audit: sets of controlled spread, pools of one prompt, and hard negatives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import UInt8
from torch import Tensor

from t2ialign.metrics import METRICS
from t2ialign.shapes.grammar import COLORS, SHAPES, SIZES, TEXTURES, SceneSpec, parse, prompts
from t2ialign.shapes.oracle import from_factors, scenes_of, truth
from t2ialign.shapes.render import render
from t2ialign.shapes.scene import PALETTE, RADII, Factors
from t2ialign.tradeoff.audit import MIXED
from t2ialign.types import Prompt

FIELDS = {"background": "background", "gradient": "gradient", "place": "center", "size": "radius", "tilt": "tilt"}
"""The groups of free factors and the field of ``Factors`` that holds each."""


@dataclass(frozen=True)
class SpreadSet:
    """Pictures of one prompt in which ``factor`` (or each, ``MIXED``) has a known spread; ``truth`` is their diversity."""

    factor: str
    truth: float
    images: UInt8[Tensor, "n 3 h w"]


def audit_prompts(count: int) -> tuple[Prompt, ...]:
    """Test prompts whose claims hold at every spread: single objects, and pairs with a relation."""
    known = [prompt for prompt in prompts("test", count) if prompt.category in ("single", "spatial")]
    singles = [prompt for prompt in known if prompt.category == "single"]
    pairs = [prompt for prompt in known if prompt.category == "spatial"]
    return tuple(prompt for both in zip(singles, pairs, strict=True) for prompt in both)[:count]


def pool(prompt: Prompt, n: int, seed: int) -> UInt8[Tensor, "n 3 h w"]:
    """``n`` pictures of the prompt; what it leaves open is drawn at random, as the embedded world does."""
    return render(scenes_of(parse(prompt.text), n, torch.Generator().manual_seed(seed)))


def spread_sets(prompt: Prompt, n: int, levels: int, mixed: int, seed: int) -> Iterator[SpreadSet]:
    """Sets of ``n`` pictures: ``levels`` spreads from 0 to 1 of each factor alone, then ``mixed`` of all at random.

    Spread s takes each drawn scene's factor f to f0 + s (f - f0), where f0 is that of one scene; all else is f0's. Each
    set draws its scenes anew.
    """
    spec, rng = parse(prompt.text), torch.Generator().manual_seed(seed)
    planned = [(factor, _alone(factor, level / (levels - 1))) for factor in FIELDS for level in range(levels)]
    planned += [(MIXED, dict(zip(FIELDS, torch.rand(len(FIELDS), generator=rng).tolist()))) for _ in range(mixed)]
    scenes = scenes_of(spec, (n + 1) * len(planned), rng)
    for index, (factor, shares) in enumerate(planned):
        drawn = _spread(scenes[index * (n + 1) : (index + 1) * (n + 1)], shares)
        yield SpreadSet(factor, true_diversity(drawn, spec), render(drawn))


def _alone(factor: str, share: float) -> dict[str, float]:
    return {name: share if name == factor else 0.0 for name in FIELDS}


def _spread(scenes: Factors, shares: dict[str, float]) -> Factors:
    """All scenes but the first, moved towards it."""
    others, first = scenes[1:], scenes[:1]
    moved = {
        FIELDS[name]: _towards(getattr(first, FIELDS[name]), getattr(others, FIELDS[name]), share)
        for name, share in shares.items()
    }
    return replace(others, rgb=first.rgb.expand_as(others.rgb), **_same_claims(first, others), **moved)


def _towards(first: Tensor, others: Tensor, share: float) -> Tensor:
    return first + share * (others - first)


def _same_claims(first: Factors, others: Factors) -> dict[str, Tensor]:
    """What the prompt leaves unsaid but the oracle would call another claim (a colour, a texture) is that of one scene."""
    return {name: getattr(first, name).expand_as(getattr(others, name)) for name in ("color", "texture", "size")}


def true_diversity(scenes: Factors, spec: SceneSpec) -> float:
    """``factor_diversity`` of the drawn factors themselves, with no oracle between."""
    return float(METRICS["factor_diversity"].compute(truth(from_factors(scenes), spec)))


def hard_negatives(prompt: Prompt, n: int, seed: int) -> dict[str, UInt8[Tensor, "n 3 h w"]]:
    """Right pictures (under ``right``) and the same scenes with one claim of the prompt broken, by kind of mistake."""
    spec, rng = parse(prompt.text), torch.Generator().manual_seed(seed)
    scenes = scenes_of(spec, n, rng)
    found = {"right": scenes, "shape": _wrong_shape(scenes, rng)}
    thing = spec.objects[0]
    if thing.color:
        found["color"] = _recolored(scenes, _other(scenes.color[:, 0], len(COLORS), rng))
    if thing.texture:
        found["texture"] = replace(scenes, texture=_first(scenes.texture, _other(scenes.texture[:, 0], 3, rng)))
    if thing.size:
        found["size"] = _resized(scenes)
    if len(spec.objects) == 2:
        found["missing object"] = replace(scenes, shape=_second(scenes.shape, torch.full((n,), -1)))
    if len(spec.objects) == 2 and thing.color and spec.objects[1].color:
        found["binding"] = replace(scenes, color=scenes.color.flip(1), rgb=scenes.rgb.flip(1))
    if spec.relation:
        found["relation"] = replace(scenes, center=scenes.center.flip(1))
    return {kind: render(drawn) for kind, drawn in found.items()}


def _first(values: Tensor, new: Tensor) -> Tensor:
    return torch.cat([new[:, None], values[:, 1:]], 1)


def _second(values: Tensor, new: Tensor) -> Tensor:
    return torch.cat([values[:, :1], new[:, None]], 1)


def _other(values: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """Another value of the same kind, at random."""
    return (values + torch.randint(1, count, values.shape, generator=rng)) % count


def _wrong_shape(scenes: Factors, rng: torch.Generator) -> Factors:
    """The first object in a shape that the scene does not show at all."""
    wrong = _other(scenes.shape[:, 0], len(SHAPES), rng)
    taken = wrong == scenes.shape[:, 1]
    again = (wrong + 1) % len(SHAPES)
    again = torch.where(again == scenes.shape[:, 0], (again + 1) % len(SHAPES), again)
    return replace(scenes, shape=_first(scenes.shape, torch.where(taken, again, wrong)))


def _recolored(scenes: Factors, color: Tensor) -> Factors:
    jitter = scenes.rgb[:, 0] - PALETTE[scenes.color[:, 0]]
    rgb = torch.cat([(PALETTE[color] + jitter).clamp(0, 1)[:, None], scenes.rgb[:, 1:]], 1)
    return replace(scenes, color=_first(scenes.color, color), rgb=rgb)


def _resized(scenes: Factors) -> Factors:
    """The first object in the other size class, at the same place within its band."""
    bands = torch.tensor([RADII[name] for name in SIZES])
    size = scenes.size[:, 0]
    (low, high), (new_low, new_high) = bands[size].unbind(1), bands[1 - size].unbind(1)
    place = (scenes.radius[:, 0] - low) / (high - low)
    radius = _first(scenes.radius, new_low + place * (new_high - new_low))
    return replace(scenes, size=_first(scenes.size, 1 - size), radius=radius)


assert len(TEXTURES) == 3
