from __future__ import annotations

import threading
from importlib import import_module
from pathlib import Path

import pytest
import torch

from t2ialign import torchvision_guard
from t2ialign.encoders import ENCODERS, absent_parts, clip, load_encoder, parts_of, provided
from t2ialign.encoders.trunk import build_trunk, save_trunk
from t2ialign.registry import ScorerEntry, load_registry
from t2ialign.types import Encoder, InputError, Prompt
from tests.encoders.pictures import pictures
from tests.hubs import use_cache


@pytest.mark.parametrize("name", ENCODERS)
def test_every_loader_is_there(name: str):
    module, _, function = ENCODERS[name].loader.partition(":")
    assert module == f"t2ialign.encoders.{name}"
    assert callable(getattr(import_module(module), function))
    assert callable(import_module(module).weights)
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


@pytest.mark.parametrize("name", sorted(n for n, e in load_registry().scorers.items() if isinstance(e.source, str)))
def test_what_is_not_here_is_named_with_its_size_and_its_command(name: str, tmp_path: Path, monkeypatch):
    use_cache(tmp_path / "hub", monkeypatch)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    entry = load_registry().scorers[name]
    if provided(entry) is None:
        return  # of the embedded world: always here
    assert absent_parts(entry) == parts_of(entry) != ()
    with pytest.raises(
        InputError, match=rf"{name} \(.+, .+B\) is not on this machine: `python .+ weights fetch {name}`"
    ):
        load_encoder(entry, "cpu")


@pytest.mark.parametrize("name", ["clip", "lpips", "hps"])
def test_features_are_known_before_an_encoder_is_loaded(name: str):
    entries = [entry for entry in load_registry().scorers.values() if entry.loader == ENCODERS[name].loader]
    found = [provided(entry) for entry in entries]
    whole = frozenset(ENCODERS[name].provides)
    assert found == ([{"hps_v20"}, {"hps_v21"}] if name == "hps" else [whole] * len(entries))


def test_every_encoder_has_an_entry():
    named = {entry.loader for entry in load_registry().scorers.values()}
    assert {loader.loader for loader in ENCODERS.values()} <= named


@pytest.mark.parametrize(
    "asked", [lambda: parts_of(load_registry().scorers["clip-vit-b-32"]), lambda: fresh_tokens("a")]
)
def test_open_clip_is_imported_by_one_thread_at_a_time(asked):
    """Its imports and those of diffusers go in circles through torchvision: on a page that just started two threads broke."""
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(asked()))
    with torchvision_guard.IMPORTING:
        thread.start()
        thread.join(0.05)
        assert found == []
    thread.join(60)
    assert found


def fresh_tokens(text: str) -> int:
    clip._own_tokenizer.cache_clear()
    return clip.clip_tokens(text)
