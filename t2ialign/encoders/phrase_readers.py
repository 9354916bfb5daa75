"""Who reads the noun phrases of a prompt: spaCy with an English model where both are installed, else a rule.

The phrases of spaCy are its ``noun_chunks``: base noun phrases, none within another, as those of the rule
(``noun_phrases``). A reader's name says which model it is and its version, for another one may cut otherwise. ``pip install
spacy`` brings no model; ``python -m spacy download en_core_web_sm`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module, metadata
from typing import Any

from t2ialign.encoders.noun_phrases import noun_phrases
from t2ialign.names import BY_RULE
from t2ialign.types import InputError

MODELS = ("en_core_web_sm", "en_core_web_md", "en_core_web_lg", "en_core_web_trf")
ARTICLES = frozenset({"a", "an", "the", "one", "some"})


def installed_readers() -> list[str]:
    """The readers that are here, the first of them what is used where nobody says: ``en_core_web_sm-3.8.0``, ..., ``rule``."""
    if _version("spacy") is None:
        return [BY_RULE]
    return [f"{model}-{version}" for model in MODELS if (version := _version(model))] + [BY_RULE]


def check_reader(reader: str) -> str:
    """The reader itself.

    Raises:
        InputError: it is not installed here.
    """
    if reader not in (known := installed_readers()):
        raise InputError(
            f"The reader of noun phrases {reader[:60]!r} is not installed here: install spaCy and that model, or choose "
            f"{' or '.join(known)}."
        )
    return reader


def read_phrases(text: str, reader: str = BY_RULE) -> list[str]:
    """The noun phrases of a prompt in order, articles kept.

    Raises:
        InputError: a reader that is not installed here.
    """
    if check_reader(reader) == BY_RULE:
        return noun_phrases(text)
    chunks: Sequence[Any] = list(_model(reader.rpartition("-")[0])(text).noun_chunks)
    words = (" ".join(str(chunk.text).split()) for chunk in chunks)
    return [found for found in words if found and found.lower() not in ARTICLES]


def in_words(reader: str) -> str:
    """``a rule``, or ``spaCy's en_core_web_sm 3.8.0``."""
    name, _, version = reader.rpartition("-")
    return "a rule" if reader == BY_RULE else f"spaCy's {name} {version}"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@lru_cache(maxsize=2)
def _model(name: str) -> Any:
    return import_module("spacy").load(name)
