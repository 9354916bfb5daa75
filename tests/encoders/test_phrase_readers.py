"""Who reads a prompt's phrases, with a stand-in for spaCy."""

from __future__ import annotations

import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

from t2ialign.encoders import phrase_readers
from t2ialign.encoders.phrase_readers import check_reader, in_words, installed_readers, read_phrases
from t2ialign.types import InputError

SPACY = "en_core_web_sm-3.8.0"


@pytest.fixture
def spacy(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A module that takes every two words for a chunk; what it was asked to load."""
    versions, loaded = {"spacy": "3.8.2", "en_core_web_sm": "3.8.0"}, []

    def version(package: str) -> str:
        if package not in versions:
            raise metadata.PackageNotFoundError(package)
        return versions[package]

    def load(name: str):
        loaded.append(name)

        def read(text: str) -> SimpleNamespace:
            words = text.split(" ")
            pairs = [" ".join(words[at : at + 2]) for at in range(0, len(words), 2)]
            return SimpleNamespace(noun_chunks=iter([SimpleNamespace(text=pair) for pair in pairs]))

        return read

    monkeypatch.setattr(phrase_readers.metadata, "version", version)
    monkeypatch.setitem(sys.modules, "spacy", SimpleNamespace(load=load))
    phrase_readers._model.cache_clear()
    yield loaded
    phrase_readers._model.cache_clear()


def test_spacy_reads_where_it_is_installed(spacy: list[str]) -> None:
    assert installed_readers() == [SPACY, "rule"]
    assert read_phrases("red ring blue  star", SPACY) == ["red ring", "blue", "star"]
    assert read_phrases("a ring the", SPACY) == ["a ring"], "an article alone names nothing"
    assert read_phrases("a ring and a star") == ["a ring", "a star"], "the rule's, where nobody asks for another"
    assert spacy == ["en_core_web_sm"], "loaded once"
    assert in_words(SPACY) == "spaCy's en_core_web_sm 3.8.0" and in_words("rule") == "a rule"


def test_a_reader_that_is_not_here_is_said(spacy: list[str]) -> None:
    with pytest.raises(InputError, match=r"'en_core_web_sm-3\.7\.1' is not installed here.*3\.8\.0 or rule"):
        check_reader("en_core_web_sm-3.7.1")
    with pytest.raises(InputError, match="is not installed here"):
        read_phrases("a ring", "en_core_web_lg-3.8.0")


def test_without_spacy_the_rule_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(phrase_readers.metadata, "version", missing)
    assert installed_readers() == ["rule"] and read_phrases("a ring and a star") == ["a ring", "a star"]
    with pytest.raises(InputError, match="choose rule"):
        check_reader(SPACY)
