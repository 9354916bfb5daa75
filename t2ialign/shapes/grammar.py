"""What can be said in the embedded world: prompts, their parse, their atomic claims, and the held-out combinations.

Categories follow T2I-CompBench (color, shape, texture, spatial, complex) plus single objects; the wording is our own.
"""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import dataclass

from t2ialign.types import InputError, Prompt

COLORS = ("red", "green", "blue", "yellow", "purple", "orange", "white", "black")
SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
TEXTURES = ("solid", "striped", "dotted")
SIZES = ("small", "big")
RELATIONS = ("to the left of", "to the right of", "above", "below")
CATEGORIES = ("single", "color", "shape", "texture", "spatial", "complex")
SPLITS = ("train", "test")

# Never drawn or named in training, so that compositional generalisation can be measured.
HELD_OUT_COLOR_SHAPE = frozenset(
    {
        ("red", "star"),
        ("green", "square"),
        ("blue", "cross"),
        ("yellow", "ring"),
        ("purple", "triangle"),
        ("orange", "circle"),
        ("white", "star"),
        ("black", "ring"),
    }
)
HELD_OUT_TEXTURE_SHAPE = frozenset({("striped", "cross"), ("dotted", "triangle"), ("striped", "ring")})

_RELATION_WORDS = {
    r"(?:on |to )?(?:the )?left of": "to the left of",
    r"(?:on |to )?(?:the )?right of": "to the right of",
    r"above|over|on top of": "above",
    r"below|under|beneath": "below",
    r"and|with|next to|beside": "",
}
_SPLITTER = re.compile("|".join(rf"\b(?P<r{i}>{pattern})\b" for i, pattern in enumerate(_RELATION_WORDS)))
_FILLER = {"a", "an", "the", "one", "of", "picture", "image", "there", "is", "coloured", "colored"}
_SYNONYMS = {"large": "big", "little": "small", "tiny": "small", "violet": "purple", "plain": "solid", "plus": "cross"}


@dataclass(frozen=True)
class ObjectSpec:
    """One object as the prompt names it; an attribute that is not named is None, hence free."""

    shape: str
    color: str | None = None
    texture: str | None = None
    size: str | None = None


@dataclass(frozen=True)
class SceneSpec:
    """What a prompt asks for: one or two objects, and how the first stands to the second (None where not named)."""

    objects: tuple[ObjectSpec, ...]
    relation: str | None = None


@dataclass(frozen=True)
class Claim:
    """One atomic claim of a prompt: ``kind`` in exists, color, texture, size, relation, alone; ``index`` of its object."""

    kind: str
    index: int
    value: str

    def __str__(self) -> str:
        of_all = self.kind in ("relation", "alone")
        return self.value if of_all else f"object {self.index + 1}: {self.kind} {self.value}"


def claims_of(spec: SceneSpec) -> tuple[Claim, ...]:
    """The prompt's atomic claims, in a fixed order: each object, its named attributes, the relation, and nothing else."""
    claims = []
    for index, thing in enumerate(spec.objects):
        claims.append(Claim("exists", index, thing.shape))
        for kind in ("color", "texture", "size"):
            value = getattr(thing, kind)
            if value is not None:
                claims.append(Claim(kind, index, value))
    if spec.relation:
        claims.append(Claim("relation", 0, spec.relation))
    claims.append(Claim("alone", 0, "nothing else"))
    return tuple(claims)


def describe(thing: ObjectSpec) -> str:
    """An object in words, with its article: ``a big red striped circle``."""
    words = " ".join(word for word in (thing.size, thing.color, thing.texture, thing.shape) if word)
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def to_text(spec: SceneSpec) -> str:
    """The canonical prompt of a scene."""
    return f" {spec.relation or 'and'} ".join(describe(thing) for thing in spec.objects)


def parse(text: str) -> SceneSpec:
    """Reads a prompt back into what it asks for.

    Raises:
        InputError: the prompt speaks of something that this world cannot show; the sentence names the word.
    """
    lowered = text.lower().strip().rstrip(".!")
    matches = list(_SPLITTER.finditer(lowered))
    if len(matches) > 1:
        raise InputError(
            "The embedded world shows at most two objects; name one or two, as in 'a red circle and a blue square'."
        )
    if not matches:
        return SceneSpec((_parse_object(lowered),))
    match = matches[0]
    relation = list(_RELATION_WORDS.values())[int((match.lastgroup or "r0")[1:])]
    first, second = lowered[: match.start()], lowered[match.end() :]
    return SceneSpec((_parse_object(first), _parse_object(second)), relation or None)


def _parse_object(phrase: str) -> ObjectSpec:
    named: dict[str, str] = {}
    for word in re.findall(r"[a-z]+", phrase):
        word = _SYNONYMS.get(word, word)
        kind = _KIND_OF_WORD.get(word)
        if kind is None and word in _FILLER:
            continue
        if kind is None:
            raise InputError(
                f"The embedded world has no word '{word}'; it knows {', '.join(SHAPES)} in colours, textures and sizes."
            )
        if kind in named:
            raise InputError(f"'{phrase.strip()}' names two {kind}s ({named[kind]} and {word}); keep one.")
        named[kind] = word
    if "shape" not in named:
        raise InputError(f"'{phrase.strip()}' names no shape; use one of {', '.join(SHAPES)}.")
    return ObjectSpec(**named)


_KIND_OF_WORD = {
    **dict.fromkeys(COLORS, "color"),
    **dict.fromkeys(SHAPES, "shape"),
    **dict.fromkeys(TEXTURES, "texture"),
    **dict.fromkeys(SIZES, "size"),
}


def is_held_out(thing: ObjectSpec) -> bool:
    """Whether an object's combination never occurs in training."""
    return (thing.color, thing.shape) in HELD_OUT_COLOR_SHAPE or (thing.texture, thing.shape) in HELD_OUT_TEXTURE_SHAPE


def prompts(split: str, per_category: int, seed: int = 0) -> tuple[Prompt, ...]:
    """Distinct prompts of every category, the same for the same arguments.

    ``train`` prompts never contain a held-out combination. Half of the ``test`` prompts contain one (tag ``held-out``);
    the others are made of familiar objects (tag ``familiar``).
    """
    chosen: list[Prompt] = []
    for category in CATEGORIES:
        rng = random.Random(f"{split}-{category}-{seed}")
        seen: dict[str, Prompt] = {}
        for attempt in itertools.count():
            if len(seen) == per_category or attempt > 1000 * per_category:
                break
            spec = _draw_spec(category, rng)
            held_out = any(is_held_out(thing) for thing in spec.objects)
            can_be_held_out = category not in ("shape",)
            wants_held_out = split == "test" and can_be_held_out and len(seen) % 2 == 0
            if held_out == wants_held_out:
                text = to_text(spec)
                seen.setdefault(text, Prompt(text, category, ("held-out" if held_out else "familiar",)))
        chosen.extend(seen.values())
    return tuple(chosen)


def _draw_spec(category: str, rng: random.Random) -> SceneSpec:
    pick = rng.choice
    if category == "single":
        size = pick((None, *SIZES))
        return SceneSpec((ObjectSpec(pick(SHAPES), pick(COLORS), pick((None, *TEXTURES)), size),))
    first, second = rng.sample(SHAPES, 2)
    colors = rng.sample(COLORS, 2)
    if category == "color":
        return SceneSpec((ObjectSpec(first, colors[0]), ObjectSpec(second, colors[1])))
    if category == "shape":
        sizes = pick(((None, None), ("big", "small"), ("small", "big")))
        return SceneSpec((ObjectSpec(first, size=sizes[0]), ObjectSpec(second, size=sizes[1])))
    if category == "texture":
        textures = rng.sample(TEXTURES, 2)
        return SceneSpec((ObjectSpec(first, texture=textures[0]), ObjectSpec(second, texture=textures[1])))
    if category == "spatial":
        return SceneSpec((ObjectSpec(first, colors[0]), ObjectSpec(second, colors[1])), pick(RELATIONS))
    textures = rng.sample(TEXTURES, 2)
    objects = (
        ObjectSpec(first, colors[0], textures[0], pick(SIZES)),
        ObjectSpec(second, colors[1], textures[1], pick(SIZES)),
    )
    return SceneSpec(objects, pick(RELATIONS))
