"""Frozen dataclasses as plain JSON values and back: the one codec of whatever crosses a process, a file or a job.

A field is read as its annotation says: records within records, tuples (lists in JSON), mappings by text or by whole
number (text in JSON), literals, unions,
dates (ISO 8601). A number that is not finite is null, because JSON has none; ``float`` reads null as NaN, and whole
numbers stay whole, because identities are hashes of what was written. Classes with a text form of their own (``text_form``)
are that text. A field of (name, value) pairs that is marked ``AS_OBJECT`` is an object; one that is marked ``IF_SAID`` is left
out while it has its default.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from t2ialign.types import InputError

Record = TypeVar("Record")
Reader = Callable[[Any], Any]
AS_OBJECT = {"as_object": True}
IF_SAID = {"if_said": True}
PLAIN: dict[type, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a text"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    bool: ((bool,), "true or false"),
    type(None): ((type(None),), "nothing"),
}
_parsers: dict[type, Callable[[str], Any]] = {}


class Misfit(ValueError):
    """A value that is not what its place asks for; ``place`` is where, from the outside in."""

    def __init__(self, words: str, place: str = "") -> None:
        super().__init__(f"{repr(place.removeprefix('.')) if place else 'it'} {words}")
        self.words, self.place = words, place

    def within(self, place: str) -> Misfit:
        return Misfit(self.words, place + self.place)


def text_form(kind: type[Record], parse: Callable[[str], Record]) -> None:
    """From now on records of this class are written as ``str(record)`` and read with ``parse``."""
    _parsers[kind] = parse


def encode(value: Any) -> Any:
    """A record, or anything that a record may hold, as what ``json.dumps`` knows."""
    if type(value) in _parsers or isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _encoded(field, part) for field, part in _said(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [encode(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def decode(kind: type[Record], value: Any, complaint: str = "", spare: bool = False) -> Record:
    """Inverse of ``encode``, also after a trip through JSON text. ``spare``: fields that ``kind`` lacks are left out.

    Raises:
        InputError: ``complaint``, and what is missing, unknown or of another kind.
    """
    reader: Callable[[Any], Record] = _reader(kind, spare)  # type: ignore[arg-type]  # a class is hashable
    try:
        return reader(value)
    except Misfit as error:
        raise InputError(f"{complaint or f'This is no {kind.__name__}'}: {error}.") from error


def checked_fields(record: Record, place: str) -> Record:
    """The record, if its fields are what their annotations say; paths are taken as they are.

    Raises:
        Misfit: one is not, and which; it is a ``ValueError``.
    """
    hints = _hints(type(record))  # type: ignore[arg-type]  # a class is hashable
    for field in fields(record):  # type: ignore[arg-type]  # callers give dataclasses
        value = getattr(record, field.name)
        if not isinstance(value, Path):
            kind = hints[field.name]
            kept = tuple(part for part in get_args(kind) if part is not Path)
            kind = typing.Union[kept] if get_origin(kind) in (typing.Union, types.UnionType) else kind  # noqa: UP007
            _at(f"{place}.{field.name}", _reader(kind, False), encode(value))
    return record


def of_table(kind: type[Record], place: str, said: Mapping[str, Any]) -> Record:
    """A record of a table that somebody wrote by hand, its fields checked.

    Raises:
        ValueError: what is too much or lacking, or ``Misfit``.
    """
    known = {field.name: field.default is MISSING and field.default_factory is MISSING for field in fields(kind)}  # type: ignore[arg-type]
    if odd := sorted(said.keys() - known.keys()):
        raise ValueError(f"{place} says {', '.join(odd)}, which nothing reads")
    if lacking := sorted(name for name, needed in known.items() if needed and name not in said):
        raise ValueError(f"{place} does not say its {', '.join(lacking)}")
    return checked_fields(kind(**said), place)


def _said(record: Any) -> Iterator[tuple[Field[Any], Any]]:
    for field in fields(record):
        value = getattr(record, field.name)
        usual = field.default if field.default_factory is MISSING else field.default_factory()
        if not (field.metadata.get("if_said") and value == usual):
            yield field, value


def _encoded(field: Field[Any], value: Any) -> Any:
    return encode(dict(value) if field.metadata.get("as_object") else value)


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)


@cache
def _reader(kind: Any, spare: bool) -> Reader:
    """What reads values of an annotation."""
    if kind is Any:
        return lambda value: value
    if kind in _parsers:
        return _text_reader(_parsers[kind])
    if kind is datetime:
        return _text_reader(datetime.fromisoformat)
    if kind in PLAIN:
        return _plain_reader(kind)
    return (
        _record_reader(kind, spare) if isinstance(kind, type) and is_dataclass(kind) else _composite_reader(kind, spare)
    )


def _composite_reader(kind: Any, spare: bool) -> Reader:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _literal_reader(parts)
    if origin in (typing.Union, types.UnionType):
        return _union_reader([_reader(part, spare) for part in sorted(parts, key=lambda part: part is not type(None))])
    if origin is tuple and parts[-1] is not ...:
        return _tuple_reader([_reader(part, spare) for part in parts])
    if origin in (tuple, Sequence):
        return _list_reader(_reader(parts[0], spare))
    if origin is Mapping:
        return _mapping_reader(KEYS[parts[0]], _reader(parts[1], spare))
    raise TypeError(f"The codec knows no {kind}: add it here, or write the field with what it knows.")


def _plain_reader(kind: type) -> Reader:
    accepted, words = PLAIN[kind]

    def read(value: Any) -> Any:
        if value is None and kind is float:
            return math.nan
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise Misfit(f"is {words}, not {_shown(value)}")
        return value

    return read


def _text_reader(parse: Callable[[str], Any]) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, str):
            raise Misfit(f"is a text, not {_shown(value)}")
        try:
            return parse(value)
        except ValueError as error:
            raise Misfit(f"cannot be read ({error})") from error

    return read


def _literal_reader(words: Sequence[Any]) -> Reader:
    def read(value: Any) -> Any:
        if value not in words:
            raise Misfit(f"is one of {', '.join(map(repr, words))}, not {_shown(value)}")
        return value

    return read


def _union_reader(readers: Sequence[Reader]) -> Reader:
    """The first that fits (nothing comes first); where none does, the last one's complaint."""

    def read(value: Any) -> Any:
        for reader in readers[:-1]:
            try:
                return reader(value)
            except Misfit:
                continue
        return readers[-1](value)

    return read


def _tuple_reader(readers: Sequence[Reader]) -> Reader:
    def read(value: Any) -> Any:
        parts = _listed(value)
        if len(parts) != len(readers):
            raise Misfit(f"has {len(readers)} parts, not {len(parts)}")
        return tuple(_at(f"[{index}]", reader, part) for index, (reader, part) in enumerate(zip(readers, parts)))

    return read


def _list_reader(reader: Reader) -> Reader:
    def read(value: Any) -> Any:
        parts = _listed(value)
        try:
            return tuple(map(reader, parts))
        except Misfit:  # once more, to say where
            return tuple(_at(f"[{index}]", reader, part) for index, part in enumerate(parts))

    return read


def _mapping_reader(key: Reader, reader: Reader) -> Reader:
    return lambda value: {key(name): _at(f".{name}", reader, part) for name, part in _named(value).items()}


def _whole_key(name: Any) -> int:
    """A whole number as JSON writes it before a colon."""
    try:
        return int(name)
    except ValueError as error:
        raise Misfit(f"is named by a whole number, not {_shown(name)}", f".{name}") from error


KEYS: dict[type, Reader] = {str: lambda name: name, int: _whole_key}


def _record_reader(kind: type, spare: bool) -> Reader:
    hints = _hints(kind)
    readers = {field.name: _field_reader(field, _reader(hints[field.name], spare)) for field in fields(kind)}
    needed = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]

    def read(value: Any) -> Any:
        said = value if isinstance(value, dict) else _named(value)
        unknown = [] if spare else [name for name in said if name not in readers]
        if unknown:
            raise Misfit(f"has no {unknown[0]!r}; known are {', '.join(readers)}")
        for name in needed:
            if name not in said:
                raise Misfit(f"lacks {name!r}")
        return kind(**{n: _at(f".{n}", readers[n], part) for n, part in said.items() if n in readers})

    return read


def _field_reader(field: Field[Any], reader: Reader) -> Reader:
    if not field.metadata.get("as_object"):
        return reader
    return lambda value: reader(list(value.items()) if isinstance(value, Mapping) else value)


def _at(place: str, reader: Reader, value: Any) -> Any:
    try:
        return reader(value)
    except Misfit as error:
        raise error.within(place) from error


def _listed(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise Misfit(f"is a list, not {_shown(value)}")
    return value


def _named(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Misfit(f"is a table of named values, not {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
