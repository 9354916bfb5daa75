"""What a study shows once it is open, frozen: its design, every exhibit with its pictures' hashes, and the hash of all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from t2ialign.codec import encode
from t2ialign.study.design import StudyDesign


@dataclass(frozen=True)
class Exhibit:
    """One thing that a round shows: a picture, or a set of them, of one prompt.

    ``contenders`` are the names behind it: several where two of them chose or made the very same picture, none for a
    decoy. ``seeds`` and ``pictures`` (SHA-256 each) run in parallel; ``cells`` are where they came from.
    """

    contenders: tuple[str, ...]
    prompt: str
    seeds: tuple[int, ...]
    pictures: tuple[str, ...]
    cell: str = ""

    @property
    def is_decoy(self) -> bool:
        return not self.contenders

    @property
    def label(self) -> str:
        """The contenders as one name, for tables: ``a``, ``a+b``, or ``decoy``."""
        return "+".join(self.contenders) or "decoy"


@dataclass(frozen=True)
class Manifest:
    """A frozen study. ``decoys`` are the hashes of pictures that show nothing, for attention checks."""

    design: StudyDesign
    exhibits: tuple[Exhibit, ...]
    decoys: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON: the identity of the study's content."""
        text = json.dumps(encode(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def pictures(self) -> frozenset[str]:
        """Every picture that a rater may see."""
        return frozenset(self.decoys).union(*(exhibit.pictures for exhibit in self.exhibits))


def merged(exhibits: Iterable[Exhibit]) -> tuple[Exhibit, ...]:
    """Exhibits with the same pictures of the same prompt become one, with all their contenders: nobody sees twins."""
    found: dict[tuple[str, tuple[str, ...]], Exhibit] = {}
    for exhibit in exhibits:
        key = exhibit.prompt, exhibit.pictures
        twin = found.get(key)
        names = exhibit.contenders if twin is None else (*twin.contenders, *exhibit.contenders)
        first = twin or exhibit
        found[key] = Exhibit(tuple(dict.fromkeys(names)), first.prompt, first.seeds, first.pictures, first.cell)
    return tuple(found.values())
