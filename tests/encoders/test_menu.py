from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from t2ialign.encoders import ENCODERS, load_encoder
from t2ialign.encoders.trunk import build_trunk, save_trunk
from t2ialign.registry import ScorerEntry, load_registry
from t2ialign.types import Encoder, InputError, Prompt
from tests.encoders.pictures import pictures


@pytest.mark.parametrize("name", ENCODERS)
def test_every_loader_is_there(name: str):
    module, _, function = ENCODERS[name].loader.partition(":")
    assert module == f"t2ialign.encoders.{name}"
    assert callable(getattr(import_module(module), function))
    assert ENCODERS[name].provides


def test_the_registry_names_loaders_of_the_menu():
    loaders = {loader.loader for loader in ENCODERS.values()}
    named = {entry.loader for entry in load_registry().scorers.values()}
    assert {loader for loader in named if loader.startswith("t2ialign.encoders.")} <= loaders


def test_an_entry_becomes_an_encoder(tmp_path: Path):
    save_trunk(tmp_path, build_trunk((4,)))
    entry = ScorerEntry("mine", "t2ialign.encoders.lpips:load", tmp_path)
    encoder = load_encoder(entry, "cpu")
    assert isinstance(encoder, Encoder)
    assert encoder.provides == ENCODERS["lpips"].provides
    assert set(encoder.encode(pictures(2), Prompt("a"))) == set(encoder.provides)


def test_code_from_elsewhere_is_never_loaded():
    with pytest.raises(InputError, match="'os:system', which is not part of t2ialign"):
        load_encoder(ScorerEntry("mine", "os:system", "true"), "cpu")


UNPINNED = {"dinov2-base", "pick-score", "hps-v2.0", "hps-v2.1", "vqa-score", "blip-vqa", "spatial", "image-reward"}


@pytest.mark.parametrize("name", sorted(UNPINNED))
def test_a_scorer_without_a_pinned_revision_asks_for_one(name: str):
    entry = load_registry().scorers[name]
    assert "@REVISION" in entry.note
    with pytest.raises(InputError, match=r"No revision of .+ is pinned.+@REVISION in the registry"):
        load_encoder(entry, "cpu")


def test_every_encoder_has_an_entry():
    named = {entry.loader for entry in load_registry().scorers.values()}
    assert {loader.loader for loader in ENCODERS.values()} <= named
