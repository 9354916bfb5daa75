"""The truth about a picture of the embedded world: which of the prompt's claims hold, and what its free factors are.

``oracle_alignment`` is this world's VQAScore / BLIP-VQA / UniDet: attributes count only on the object that they belong to.
``factor_diversity`` is its true diversity, in units of the world itself: 1 is as varied as the scenes drawn for the prompt.
What a prompt names is no free factor, and what cannot be told apart from a mistake adds no spread.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from t2ialign.content import sha_of
from t2ialign.shapes.captions import relation_of
from t2ialign.shapes.grammar import COLORS, RELATIONS, SHAPES, SIZES, TEXTURES, Claim, SceneSpec, claims_of, parse
from t2ialign.shapes.reader import Reader, Reading, read
from t2ialign.shapes.scene import FOLDS, Factors, draw_free, draw_named, relation_holds
from t2ialign.types import InputError, Prompt

_VALUES = {"exists": SHAPES, "color": COLORS, "texture": TEXTURES, "size": SIZES}
GROUPS = ("background", "gradient", "place", "size", "tilt")
SCENES = 1024  # drawn for each prompt to learn how varied the world is there; its error is about 1 %


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
    if claim.kind == "alone":
        return (reading.confidence > 0).sum(1) <= len(chosen)
    if claim.kind == "relation":
        other = chosen[1]
        pair = reading.center[:, [slot, other]]
        return there & (reading.confidence[:, other] > 0) & relation_holds(pair, claim.value)
    field = "shape" if claim.kind == "exists" else claim.kind
    holds: Tensor = there & (getattr(reading, field)[:, slot] == _VALUES[claim.kind].index(claim.value))
    return holds


def claims_hold(reading: Reading, spec: SceneSpec) -> tuple[Float[Tensor, "b c"], Int[Tensor, "b m"]]:
    """Which claims hold (1, else 0), under the assignment of prompt objects to seen objects that satisfies most of them.

    An attribute holds only if its object's shape does (no credit for a red square where a red circle was asked for); a
    relation, and that there is nothing else, only if all shapes do (no credit for an empty picture). Also returns the
    assignment: for each of the ``m`` prompt objects its slot.
    """
    claims, slots = claims_of(spec), reading.confidence.shape[1]
    options = list(itertools.permutations(range(slots), len(spec.objects)))
    tables = []
    for chosen in options:
        table = torch.stack([_claim_holds(reading, claim, chosen) for claim in claims], 1)
        exists = {claim.index: table[:, i] for i, claim in enumerate(claims) if claim.kind == "exists"}
        every = torch.stack(list(exists.values())).all(0)
        needs = [every if claim.kind in ("relation", "alone") else exists[claim.index] for claim in claims]
        tables.append(table & torch.stack(needs, 1))
    held = torch.stack(tables)
    # Ties go to the surer objects: options are listed in order of confidence and argmax takes the first.
    best = held.sum(-1).argmax(0)
    rows = torch.arange(best.shape[0], device=best.device)
    return held[best, rows].float(), torch.tensor(options, device=best.device)[best]


def legible(reading: Reading, spec: SceneSpec, held: Float[Tensor, "b c"]) -> Bool[Tensor, "b m"]:
    """Which of the prompt's objects can be told apart from a mistake, so that their free factors are worth reading.

    A picture must show as many objects as are named (fewer: one is missing, or two have merged), the object's shape as
    often as it is named (more: which one is meant?), and its named size, on which depends where it can stand. Where two
    objects have one shape, only the claims of each tell which is which: all of them must hold.
    """
    claims, shapes = claims_of(spec), [thing.shape for thing in spec.objects]
    there = reading.confidence > 0
    enough = there.sum(1) >= len(shapes)
    found = []
    for index, shape in enumerate(shapes):
        as_often = (there & (reading.shape == SHAPES.index(shape))).sum(1) == shapes.count(shape)
        kinds = ("size",) if shapes.count(shape) == 1 else ("exists", "color", "texture", "size")
        told = [i for i, claim in enumerate(claims) if claim.index == index and claim.kind in kinds]
        found.append(enough & as_often & (held[:, told] > 0).all(1))
    return torch.stack(found, 1)


def free_factors(
    reading: Reading, spec: SceneSpec, slots: Int[Tensor, "b m"], seen: Bool[Tensor, "b m"]
) -> dict[str, Float[Tensor, "b u k"]]:
    """What the prompt leaves open, by group of ``GROUPS``: ``u`` things in ``k`` coordinates, NaN where not ``seen``.

    Background: RGB at the picture's centre; gradient: brightness along x and y. Place: the centre of each object; where
    the prompt names a relation, which fixes the direction, the middle of the pair and the distance within it. Size: the
    logarithm of the radius of each object whose size is not named. Tilt: cosine and sine of each object that has one.
    """
    rows = torch.arange(slots.shape[0], device=slots.device)[:, None]

    def of_objects(values: Tensor) -> Tensor:
        return torch.where(seen[..., None], values[rows, slots], torch.nan)

    place = of_objects(reading.center)
    if spec.relation:
        apart = (place[:, 0] - place[:, 1]).norm(dim=-1, keepdim=True)
        place = torch.cat([place.mean(1), apart], -1)[:, None]
    turn = 2 * torch.pi * of_objects(reading.tilt[..., None])
    unsized = [index for index, thing in enumerate(spec.objects) if thing.size is None]
    turned = [index for index, thing in enumerate(spec.objects) if FOLDS[thing.shape]]
    return {
        "background": reading.background[:, None],
        "gradient": reading.gradient[:, None],
        "place": place,
        "size": of_objects(reading.radius.log()[..., None])[:, unsized],
        "tilt": torch.cat([turn.cos(), turn.sin()], -1)[:, turned],
    }


def scenes_of(spec: SceneSpec, count: int, rng: torch.Generator) -> Factors:
    """Scenes of the world that keep every claim of a prompt, free factors as the world draws them."""
    kept: list[Factors] = []
    found = 0
    while found < count:
        named = draw_named(4096, rng, held_out=True)
        for index in (0, 1):
            thing = spec.objects[index] if index < len(spec.objects) else None
            named["shape"][:, index] = SHAPES.index(thing.shape) if thing else -1
            for kind in ("color", "texture", "size"):
                value = getattr(thing, kind) if thing else None
                if value is not None:
                    named[kind][:, index] = _VALUES[kind].index(value)
        factors = draw_free(named, rng)
        if spec.relation:
            factors = factors[relation_of(factors) == RELATIONS.index(spec.relation)]
        kept.append(factors)
        found += factors.shape.shape[0]
    merged = {name: torch.cat([getattr(part, name) for part in kept])[:count] for name in Factors.__dataclass_fields__}
    return Factors(**merged)


@lru_cache(maxsize=512)
def world_scale(spec: SceneSpec) -> dict[str, Float[Tensor, " u"]]:
    """By group, the expected distance between two scenes of the world that keep the prompt, for each free thing."""
    scenes = scenes_of(spec, SCENES, torch.Generator().manual_seed(0))
    slots = torch.arange(len(spec.objects)).expand(SCENES, -1)
    factors = free_factors(from_factors(scenes), spec, slots, torch.ones_like(slots, dtype=torch.bool))
    return {
        group: torch.tensor([float(torch.pdist(unit).mean()) for unit in units.unbind(1)])
        for group, units in factors.items()
    }


def truth(reading: Reading, spec: SceneSpec) -> dict[str, Tensor]:
    """What metrics may read of the pictures of a prompt.

    ``claims`` [n c] of 0 and 1; ``faithful`` [n], 1 where all of them hold; and for each group of ``GROUPS`` the entry
    ``factors_<group>`` [n u k] (see ``free_factors``) in units of the world: two scenes that keep the prompt are 1 apart
    on average.
    """
    held, slots = claims_hold(reading, spec)
    factors = free_factors(reading, spec, slots, legible(reading, spec, held))
    scale = world_scale(spec)
    scaled = {f"factors_{group}": units / scale[group].to(units)[:, None] for group, units in factors.items()}
    return {"claims": held, "faithful": (held > 0).all(1).float(), **scaled}


@dataclass(frozen=True)
class Oracle:
    """The encoder of the embedded world's truth; provides nothing for prompts outside its grammar."""

    reader: Reader
    sha: str
    id: str = "oracle-shapes"
    provides: tuple[str, ...] = ("claims", "faithful", *(f"factors_{group}" for group in GROUPS))

    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        """The entries of ``truth``. Each picture is read alone: among others it may be read otherwise by a last bit."""
        try:
            spec = parse(prompt.text)
        except InputError:
            return {}
        each = [truth(read(self.reader, image), spec) for image in images.chunk(max(len(images), 1))]
        return {name: torch.cat([one[name] for one in each]) for name in each[0]}


def load(source: Path, device: str) -> Oracle:
    """Loads the reader from a folder with ``reader.safetensors``."""
    from safetensors.torch import load_file

    reader = Reader()
    weights = load_file(str(source / "reader.safetensors"))
    reader.load_state_dict({name: value.float() for name, value in weights.items()})
    return Oracle(reader.to(device).eval().requires_grad_(False), sha_of(source))
