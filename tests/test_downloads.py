"""Weights from a Hub on this machine: whole, checked, taken up again, pinned, and each trouble in one sentence."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from t2ialign import downloads, network, settings
from t2ialign.downloads import HubFile, HubFolder, WebFile, known_commit, pins
from t2ialign.types import InputError
from tests.hub_server import Hub, serving, use_hub
from tests.hubs import FIRST, put, use_cache

BIG = bytes(range(256)) * 40_000
FILES = {"config.json": b"{}", "vocab.txt": b"a\nb\n", "model.safetensors": BIG, "pytorch_model.bin": b"pickle"}
MODEL = HubFolder("org/model", "", ("*.json", "*.txt", "*.safetensors"))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    use_cache(tmp_path / "hub", monkeypatch)
    monkeypatch.setattr(settings, "HOME", tmp_path / "home")
    with serving(Hub(files={"org/model": dict(FILES)})) as found:
        yield use_hub(found, monkeypatch)


def test_a_folder_comes_whole_pinned_and_without_pickles(hub: Hub):
    assert MODEL.found() is None
    seen: list[tuple[int, int | None]] = []
    folder = MODEL.fetch(lambda done, total: seen.append((done, total)))
    assert {file.name for file in folder.iterdir()} == set(FILES) - {"pytorch_model.bin"}
    assert (folder / "model.safetensors").read_bytes() == BIG
    total = sum(len(FILES[file.name]) for file in folder.iterdir())
    assert seen[-1] == (total, total) and seen == sorted(seen)
    assert pins() == {"org/model": hub.commit}
    hub.commit = "b" * 40  # main moves on; this machine does not
    asked = len(hub.asked)
    assert MODEL.found() == MODEL.fetch() == folder
    assert len(hub.asked) == asked, "what is here asks nobody"


@pytest.mark.slow
def test_a_broken_download_goes_on_where_it_broke(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In the next run of the command, and within one while bytes come."""
    hub.cut = 3_000_000
    monkeypatch.setattr(network, "TRIES", 0)
    with pytest.raises(
        InputError, match=r"broke while model\.safetensors of org/model came .*same command goes on where it stopped"
    ):
        MODEL.fetch()
    (part,) = (tmp_path / "hub").rglob("*.part")
    had = part.stat().st_size
    assert 0 < had <= 3_000_000 and MODEL.found() is None
    monkeypatch.setattr(network, "TRIES", 3)
    folder = MODEL.fetch()
    assert (folder / "model.safetensors").read_bytes() == BIG
    ranges = [int(asked.partition("bytes=")[2].rstrip("-")) for asked in hub.asked if "bytes=" in asked]
    assert ranges[0] == had and len(ranges) > 2 and ranges == sorted(set(ranges)), (
        "each goes on where the last one broke"
    )
    assert not list((tmp_path / "hub").rglob("*.part"))


def test_refused_unknown_and_offline_are_one_sentence_each(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(InputError, match=r"knows no org/other, or shows it only to who logs in"):
        HubFolder("org/other", "", ("*.safetensors",)).fetch()
    with pytest.raises(InputError, match=r"org/model holds no scores\.pt"):
        HubFile("org/model", "", ("scores.pt",)).fetch()
    hub.refuse = 403, "GatedRepo"
    with pytest.raises(InputError, match="only to who accepted its licence"):
        MODEL.fetch()
    hub.refuse = 503, ""
    with pytest.raises(InputError, match=r"does not give out org/model \(503"):
        MODEL.fetch()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        InputError, match=r"org/model is not on this machine, and nothing can be fetched now \(HF_HUB_OFF"
    ):
        MODEL.fetch()


def test_a_full_disk_is_said_before_it_is_full(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(network.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(InputError, match=r"10 MB are still to come, and the disk of .+ has 1 MB left: make room"):
        MODEL.fetch()


def test_bytes_that_are_not_what_was_promised_are_thrown_away(hub: Hub, tmp_path: Path):
    hub.lie = True
    with pytest.raises(InputError, match="arrived damaged"):
        MODEL.fetch()
    assert MODEL.found() is None
    assert not list((tmp_path / "hub").rglob("*.part"))


def test_a_cache_that_others_filled_is_used_and_pinned(hub: Hub, tmp_path: Path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "model.safetensors").write_bytes(b"weights")
    snapshot = put(tmp_path / "hub", "org/model", source, FIRST)
    assert MODEL.found() == snapshot and pins() == {}
    downloads.use(MODEL)
    assert pins() == {"org/model": FIRST}
    put(tmp_path / "hub", "org/model", source, "2" * 40)
    assert known_commit("org/model") == FIRST and MODEL.found() == snapshot
    assert hub.asked == []


def test_half_of_a_sharded_model_is_not_here(hub: Hub, tmp_path: Path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}'
    )
    (source / "model-1.safetensors").write_bytes(b"1")
    put(tmp_path / "hub", "org/model", source, FIRST)
    assert MODEL.found() is None
    (source / "model-2.safetensors").write_bytes(b"2")
    put(tmp_path / "hub2", "org/model", source, FIRST)
    shutil.rmtree(tmp_path / "hub")
    (tmp_path / "hub2").rename(tmp_path / "hub")
    assert MODEL.found() is not None


@pytest.mark.slow
def test_a_web_file_is_resumed_and_checked(hub: Hub, tmp_path: Path):
    hub.files["org/model"]["trunk.pth"] = BIG
    url, file = f"{hub.address}/org/model/resolve/main/trunk.pth", tmp_path / "torch" / "trunk.pth"
    file.parent.mkdir()
    file.with_name("trunk.pth.part").write_bytes(BIG[:4_000_000])
    assert WebFile(url, file, hub.digest("trunk.pth", BIG)[:8]).fetch() == file
    assert file.read_bytes() == BIG
    assert "GET /org/model/resolve/main/trunk.pth bytes=4000000-" in hub.asked
    other = tmp_path / "torch" / "other.pth"
    other.with_name("other.pth.part").write_bytes(BIG + b"of another file")
    assert WebFile(url, other, hub.digest("trunk.pth", BIG)[:8]).fetch().read_bytes() == BIG
    other.unlink()
    with pytest.raises(InputError, match="arrived damaged"):
        WebFile(url, other, "00000000").fetch()
    assert not other.exists()
    with pytest.raises(InputError, match=r"has no gone\.pth"):
        WebFile(f"{hub.address}/org/model/resolve/main/gone.pth", tmp_path / "gone.pth").fetch()


def test_silence_is_noticed_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(network, "_NOTICED", {})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    asked: list[str] = []
    monkeypatch.setattr(network, "_silence", lambda origin: asked.append(origin) or "nobody there")
    assert network.why_offline() == network.why_offline() == "nobody there"
    assert asked == ["https://huggingface.co"]
    from huggingface_hub import constants

    assert constants.is_offline_mode(), "the libraries are told, or each would try for itself"
