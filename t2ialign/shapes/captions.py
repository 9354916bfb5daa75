"""Captions of drawn scenes, vectorised as token ids: what the models are trained on, dirty on purpose where asked.

Each word is one token (``tokenizer.py``), so a caption is a row of word ids; a batch of a thousand costs a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from t2ialign.shapes.grammar import COLORS, RELATIONS, SHAPES, SIZES, TEXTURES
from t2ialign.shapes.scene import Factors
from t2ialign.shapes.tokenizer import END, MAX_LENGTH, START, WORD_IDS

SYNONYMS = {"big": "large", "small": "little", "above": "over", "below": "under", "and": "with"}
ATTRIBUTES = ("color", "texture", "size")
NAMED_SHARE = {"color": 0.8, "texture": 0.5, "size": 0.45, "relation": 0.55}
DIRTY_SHARE = 1 / 8
_COUNTS = {"shape": len(SHAPES), "color": len(COLORS), "texture": len(TEXTURES), "size": len(SIZES)}
_WORDS = {"shape": SHAPES, "color": COLORS, "texture": TEXTURES, "size": SIZES}


@dataclass(frozen=True)
class Captions:
    """What ``b`` captions say: indices as in ``Factors`` with -1 for unsaid, and the relation of the first object named."""

    said: dict[str, Int[Tensor, "b 2"]]
    relation: Int[Tensor, " b"]


def relation_of(factors: Factors) -> Int[Tensor, " b"]:
    """The relation of object 1 to object 2 along the larger offset; -1 where there is one object."""
    dx, dy = (factors.center[:, 0] - factors.center[:, 1]).unbind(-1)
    across = torch.where(dx < 0, 0, 1)
    along = torch.where(dy < 0, 2, 3)
    relation = torch.where(dx.abs() > dy.abs(), across, along)
    return torch.where(factors.shape[:, 1] >= 0, relation, -1)


def caption(factors: Factors, rng: torch.Generator, dirty: float = 0.0) -> Captions:
    """Names a random part of each scene, in random order; a share ``dirty`` of captions gets one wrong or missing word."""
    batch, device = factors.shape.shape[0], rng.device

    def chance(share: float, *shape: int) -> Tensor:
        return torch.rand(shape or (batch,), generator=rng, device=device) < share

    exists = factors.shape >= 0
    said = {"shape": factors.shape}
    for kind in ATTRIBUTES:
        named = chance(NAMED_SHARE[kind])[:, None] & exists & ~chance(0.15, batch, 2)
        said[kind] = torch.where(named, getattr(factors, kind), -1)
    relation = torch.where(chance(NAMED_SHARE["relation"]), relation_of(factors), -1)
    swap = chance(0.5) & exists[:, 1]
    said = {kind: torch.where(swap[:, None], value.flip(1), value) for kind, value in said.items()}
    mirrored = torch.where(
        relation >= 0, relation ^ 1, -1
    )  # left and right, above and below are neighbours in the list
    captions = Captions(said, torch.where(swap, mirrored, relation))
    return _soil(captions, chance(dirty), rng) if dirty else captions


def swap_one(captions: Captions, rng: torch.Generator) -> Captions:
    """Hard negatives: the same captions with exactly one wrong word each."""
    everywhere = torch.ones_like(captions.relation, dtype=torch.bool)
    return _soil(captions, everywhere, rng, drop=False)


def _soil(captions: Captions, chosen: Tensor, rng: torch.Generator, drop: bool = True) -> Captions:
    """Replaces one said word by another of its kind; with ``drop``, sometimes leaves out a word or the second object."""
    batch, device = chosen.shape[0], rng.device
    said, relation = {kind: value.clone() for kind, value in captions.said.items()}, captions.relation.clone()
    slots = [(kind, index) for index in (0, 1) for kind in ("shape", *ATTRIBUTES)]
    present = torch.stack([said[kind][:, index] >= 0 for kind, index in slots] + [relation >= 0], 1)
    noise = torch.rand(present.shape, generator=rng, device=device)
    target = (noise * present).argmax(1)
    missing = torch.rand(batch, generator=rng, device=device) < (0.3 if drop else 0.0)
    for number, (kind, index) in enumerate(slots):
        hit = chosen & (target == number)
        shift = torch.randint(1, _COUNTS[kind], (batch,), generator=rng, device=device)
        wrong = (said[kind][:, index] + shift) % _COUNTS[kind]
        if kind != "shape":
            wrong = torch.where(missing, -1, wrong)
        said[kind][:, index] = torch.where(hit, wrong, said[kind][:, index])
    neglected = chosen & missing & (target == 4)
    for kind in said:
        said[kind][:, 1] = torch.where(neglected, -1, said[kind][:, 1])
    wrong = (relation + torch.randint(1, len(RELATIONS), (batch,), generator=rng, device=device)) % len(RELATIONS)
    relation = torch.where(chosen & (target == len(slots)), wrong, relation)
    return Captions(said, torch.where(neglected, -1, relation))


def tokens(captions: Captions, rng: torch.Generator) -> Int[Tensor, "b l"]:
    """Captions as token ids with start, end and padding, words now and then replaced by a synonym."""
    device = captions.relation.device
    columns = []
    for index in (0, 1):
        columns += _object_columns({kind: value[:, index] for kind, value in captions.said.items()}, rng)
        if index == 0:
            columns += _relation_columns(captions, rng)
    ids = torch.stack(columns, 1)
    order = torch.argsort((ids < 0).to(torch.int8), dim=1, stable=True)  # said words first, in their order
    ids = ids.gather(1, order)
    ids = torch.where(ids < 0, END, ids)
    start = torch.full((ids.shape[0], 1), START, device=device)
    padding = torch.full((ids.shape[0], MAX_LENGTH - ids.shape[1] - 1), END, device=device)
    return torch.cat([start, ids, padding], 1)


def _lookup(kind: str, index: Tensor, rng: torch.Generator) -> Tensor:
    words = _WORDS[kind]
    usual = torch.tensor([WORD_IDS[word] for word in words], device=index.device)
    other = torch.tensor([WORD_IDS[SYNONYMS.get(word, word)] for word in words], device=index.device)
    synonym = torch.rand(index.shape, generator=rng, device=index.device) < 0.2
    chosen = index.clamp(min=0)
    return torch.where(index >= 0, torch.where(synonym, other[chosen], usual[chosen]), -1)


def _object_columns(said: dict[str, Tensor], rng: torch.Generator) -> list[Tensor]:
    exists = said["shape"] >= 0
    orange = (said["size"] < 0) & (said["color"] == COLORS.index("orange"))
    article = torch.where(orange, WORD_IDS["an"], WORD_IDS["a"])
    words = [_lookup(kind, said[kind], rng) for kind in ("size", "color", "texture", "shape")]
    return [torch.where(exists, column, -1) for column in (article, *words)]


def _relation_columns(captions: Captions, rng: torch.Generator) -> list[Tensor]:
    """Four columns: ``to the left of`` fills them all, ``above`` and ``and`` only the first."""
    relation, pair = captions.relation, captions.said["shape"][:, 1] >= 0
    synonym = torch.rand(relation.shape, generator=rng, device=relation.device) < 0.2
    phrases = [phrase.split() for phrase in (*RELATIONS, "and")]  # index -1, unsaid, is the last: "and"
    columns = []
    for position in range(4):
        names = [phrase[position] if position < len(phrase) else None for phrase in phrases]
        usual = torch.tensor([WORD_IDS[name] if name else -1 for name in names], device=relation.device)
        other = torch.tensor(
            [WORD_IDS[SYNONYMS.get(name, name)] if name else -1 for name in names], device=relation.device
        )
        chosen = torch.where(relation >= 0, relation, len(RELATIONS))
        columns.append(torch.where(pair, torch.where(synonym, other[chosen], usual[chosen]), -1))
    return columns
