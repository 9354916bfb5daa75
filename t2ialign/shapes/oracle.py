"""The truth about a picture of the embedded world: which of the prompt's claims hold, and what its free factors are.

``oracle_alignment`` is this world's VQAScore / BLIP-VQA / UniDet: attributes count only on the object that they belong to.
``factor_diversity`` is its true diversity, in units of the world itself: 1 is as varied as the scenes drawn for the prompt.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from t2ialign.registry import sha_of
from t2ialign.shapes.captions import relation_of
from t2ialign.shapes.grammar import COLORS, RELATIONS, SHAPES, SIZES, TEXTURES, Claim, SceneSpec, claims_of, parse
from t2ialign.shapes.reader import Reader, Reading, read
from t2ialign.shapes.scene import FOLDS, Factors, draw_free, draw_named, relation_holds
from t2ialign.types import InputError, Prompt

_VALUES = {"exists": SHAPES, "color": COLORS, "texture": TEXTURES, "size": SIZES}
GROUPS = ("background", "gradient", "place", "size", "tilt")


def from_factors(factors: Factors) -> Reading:
    """The reading that a perfect eye would make of drawn scenes: the truth, for tests and for the scale of diversity."""
    folds = torch.tensor([FOLDS[name] for name in SHAPES], device=factors.shape.device)[factors.shape.clamp(min=0)]
    turns = (factors.tilt * folds / (2 * torch.pi) + 0.5) % 1 - 0.5
    return Reading(
        confidence=(factors.shape >= 0).float(),
        shape=factors.shape,
        color=factors.color,
        texture=factors.texture,
        size=factors.size,
        center=factors.center,
        radius=factors.radius,
        tilt=torch.where(folds > 0, turns, torch.nan),
        rgb=factors.rgb,
        background=factors.background,
        gradient=factors.gradient,
    )


def _claim_holds(reading: Reading, claim: Claim, chosen: tuple[int, ...]) -> Bool[Tensor, " b"]:
    """Whether one claim holds if the prompt's objects are the seen objects ``chosen``."""
    slot = chosen[claim.index]
    there = reading.confidence[:, slot] > 0
    if claim.kind == "relation":
        other = chosen[1]
        pair = reading.center[:, [slot, other]]
        return there & (reading.confidence[:, other] > 0) & relation_holds(pair, claim.value)
    field = "shape" if claim.kind == "exists" else claim.kind
    return there & (getattr(reading, field)[:, slot] == _VALUES[claim.kind].index(claim.value))


def claims_hold(reading: Reading, spec: SceneSpec) -> tuple[Float[Tensor, "b c"], Int[Tensor, "b m"]]:
    """Which claims hold, under the assignment of prompt objects to seen objects that satisfies most of them.

    An attribute holds only if its object's shape does (no credit for a red square where a red circle was asked for), and a
    relation only if both shapes do. Also returns the assignment: for each of the ``m`` prompt objects its slot.
    """
    claims, slots = claims_of(spec), reading.confidence.shape[1]
    options = list(itertools.permutations(range(slots), len(spec.objects)))
    tables = []
    for chosen in options:
        table = torch.stack([_claim_holds(reading, claim, chosen) for claim in claims], 1)
        exists = {claim.index: table[:, i] for i, claim in enumerate(claims) if claim.kind == "exists"}
        both = torch.stack(list(exists.values())).all(0)
        needs = [both if claim.kind == "relation" else exists[claim.index] for claim in claims]
        tables.append(table & torch.stack(needs, 1))
    held = torch.stack(tables)
    # Ties go to the surer objects: options are listed in order of confidence and argmax takes the first.
    best = held.sum(-1).argmax(0)
    rows = torch.arange(best.shape[0], device=best.device)
    return held[best, rows].float(), torch.tensor(options, device=best.device)[best]


def free_factors(reading: Reading, slots: Int[Tensor, "b m"]) -> tuple[Float[Tensor, "b f"], Int[Tensor, " f"]]:
    """The free factors of each picture as columns, NaN where unread, and the group of ``GROUPS`` of each column."""
    rows = torch.arange(slots.shape[0], device=slots.device)[:, None]
    there = (reading.confidence[rows, slots] > 0)[..., None]

    def of_objects(values: Tensor) -> Tensor:
        return torch.where(there, values[rows, slots], torch.nan).flatten(1)

    turn = 2 * torch.pi * reading.tilt[..., None]
    columns = [
        reading.background,
        reading.gradient,
        of_objects(reading.center),
        of_objects(reading.radius.log()[..., None]),
        of_objects(torch.cat([turn.cos(), turn.sin()], -1)),
    ]
    groups = [torch.full((column.shape[1],), number, device=slots.device) for number, column in enumerate(columns)]
    return torch.cat(columns, 1), torch.cat(groups)


def scenes_of(spec: SceneSpec, count: int, draw: torch.Generator) -> Factors:
    """Scenes of the world that keep every claim of a prompt, free factors as the world draws them."""
    kept: list[Factors] = []
    found = 0
    while found < count:
        named = draw_named(4096, draw, held_out=True)
        for index in (0, 1):
            thing = spec.objects[index] if index < len(spec.objects) else None
            named["shape"][:, index] = SHAPES.index(thing.shape) if thing else -1
            for kind in ("color", "texture", "size"):
                value = getattr(thing, kind) if thing else None
                if value is not None:
                    named[kind][:, index] = _VALUES[kind].index(value)
        factors = draw_free(named, draw)
        if spec.relation:
            factors = factors[relation_of(factors) == RELATIONS.index(spec.relation)]
        kept.append(factors)
        found += factors.shape.shape[0]
    merged = {name: torch.cat([getattr(part, name) for part in kept])[:count] for name in Factors.__dataclass_fields__}
    return Factors(**merged)


@lru_cache(maxsize=512)
def world_scale(spec: SceneSpec) -> Float[Tensor, " g"]:
    """Expected distance between two scenes of the world for this prompt, by group of factors; NaN where a group is empty."""
    draw = torch.Generator().manual_seed(0)
    scenes = scenes_of(spec, 512, draw)
    slots = torch.arange(len(spec.objects)).expand(512, -1)
    factors, groups = free_factors(from_factors(scenes), slots)
    scale = []
    for number in range(len(GROUPS)):
        columns = factors[:, groups == number]
        columns = columns[:, ~columns.isnan().all(0)]
        distance = torch.pdist(columns) if columns.shape[1] else torch.tensor([torch.nan])
        scale.append(distance.mean())
    return torch.stack(scale)


@dataclass(frozen=True)
class Oracle:
    """The encoder of the embedded world's truth; provides nothing for prompts outside its grammar."""

    reader: Reader
    sha: str
    id: str = "oracle-shapes"
    provides: tuple[str, ...] = ("claims", "factors", "factor_groups", "factor_scale")

    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        """``claims`` [n c] in {0, 1}; ``factors`` [n f]; ``factor_groups`` [f]; ``factor_scale`` [g]."""
        try:
            spec = parse(prompt.text)
        except InputError:
            return {}
        reading = read(self.reader, images)
        held, slots = claims_hold(reading, spec)
        factors, groups = free_factors(reading, slots)
        return {"claims": held, "factors": factors, "factor_groups": groups, "factor_scale": world_scale(spec)}


def load(source: Path, device: str) -> Oracle:
    """Loads the reader from a folder with ``reader.safetensors``."""
    from safetensors.torch import load_file

    reader = Reader()
    weights = load_file(str(source / "reader.safetensors"))
    reader.load_state_dict({name: value.float() for name, value in weights.items()})
    return Oracle(reader.to(device).eval().requires_grad_(False), sha_of(source))
