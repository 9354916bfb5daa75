"""What training learns from, as one value: ``annotator:sunny``, ``metric:clip_score``, ``votes:STUDY:group`` and so on.

The only place that knows which kinds there are and how people write them. Another kind is one entry of ``KINDS``, and
its reader in ``use_cases.align.sources``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from t2ialign.codec import text_form
from t2ialign.types import InputError


@dataclass(frozen=True)
class SourceKind:
    """``parts`` are the fields of a source that follow its kind, colon by colon; the last one takes the rest.

    ``brings``: a ``judge`` of sampled pictures, ``pairs`` of its own, or ``pictures`` to mix in. ``example`` is a first
    part, for kinds that need one.
    """

    written: str
    parts: tuple[Literal["argument", "group"], ...]
    brings: Literal["judge", "pairs", "pictures"]
    example: str = ""


KINDS: Mapping[str, SourceKind] = {
    "annotator": SourceKind("annotator, annotator:GROUP", ("group",), "judge"),
    "style": SourceKind("style:GROUP", ("group",), "judge", "minimal"),
    "metric": SourceKind("metric:NAME", ("argument",), "judge", "clip_score"),
    "votes": SourceKind("votes:STUDY, votes:STUDY:GROUP", ("argument", "group"), "pairs", "my-study"),
    "parquet": SourceKind("parquet:FILE", ("argument",), "pairs", "pairs.parquet"),
    "jsonl": SourceKind("jsonl:FILE", ("argument",), "pairs", "pairs.jsonl"),
    "hub": SourceKind("hub:ORG/NAME", ("argument",), "pairs", "kashif/pickascore"),
    "pictures": SourceKind("pictures:FOLDER", ("argument",), "pictures", "my_photos"),
}
FILES = ("parquet", "jsonl")  # kinds that name a file of pairs; whichever is said, the file's own form counts
UNKNOWN = SourceKind("", ("argument",), "pairs")


@dataclass(frozen=True)
class Source:
    """``argument`` is what a kind names (a metric, a study, a file), ``group`` whose taste or votes count ("" = all).

    ``Source()`` is no source: the method's own, or the pictures that a method chooses for itself.
    """

    kind: str = ""
    argument: str = ""
    group: str = ""

    def __str__(self) -> str:
        """As people write it; ``parse_source`` is its inverse."""
        parts = [getattr(self, name) for name in _kind(self.kind).parts]
        while parts and not parts[-1]:
            parts.pop()
        return ":".join([self.kind, *parts])

    @property
    def brings(self) -> str:
        """``judge``, ``pairs`` or ``pictures``; empty for no source."""
        return _kind(self.kind).brings if self.kind else ""


def parse_source(text: str) -> Source:
    """A source from its text. Takes any text, because requests of other versions are read with it: ``known`` checks it."""
    kind, _, rest = text.strip().partition(":")
    parts = _kind(kind.strip()).parts
    said = [part.strip() for part in rest.split(":", len(parts) - 1)]
    return Source(kind.strip(), **dict(zip(parts, said)))


def known(source: Source) -> Source:
    """The source, of a kind that exists and with what that kind needs (or no source).

    Raises:
        InputError: an unknown kind, or nothing after the colon.
    """
    if source == Source():
        return source
    if source.kind not in KINDS:
        *most, last = (kind.written for kind in KINDS.values())
        raise InputError(f"There is no source called {str(source)[:60]!r}: use {', '.join(most)} or {last}.")
    kind = KINDS[source.kind]
    if kind.example and not getattr(source, kind.parts[0]):
        raise InputError(f"Say which after the colon, as in {source.kind}:{kind.example}.")
    return source


def _kind(name: str) -> SourceKind:
    return KINDS.get(name, UNKNOWN)


text_form(Source, parse_source)
