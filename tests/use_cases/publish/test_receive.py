"""What `push` made comes back as it was, from a stand-in for the Hub, or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from t2ialign import settings
from t2ialign.adapter_places import ADAPTER_FILE
from t2ialign.content import file_sha256
from t2ialign.hub.checkpoint_repo import pull_checkpoint, push_checkpoint
from t2ialign.types import InputError
from t2ialign.use_cases.align.manifest import find_manifest
from t2ialign.use_cases.publish.receive import receive
from tests.hub.disk_hub import DiskHub

NAME = "minimal_dpo-step150"


@pytest.fixture
def pulled(tmp_path: Path) -> Path:
    """A shipped checkpoint, pushed and pulled."""
    shipped, hub, folder = settings.CHECKPOINTS / NAME, DiskHub(tmp_path / "hub"), tmp_path / "pulled"
    push_checkpoint(shipped, "me/mine", api=hub)
    pull_checkpoint("me/mine", folder, api=hub)
    return folder


def test_it_comes_back_with_its_lineage(pulled: Path, tmp_path: Path):
    entry = receive(tmp_path / "home", pulled, "back")
    shipped = settings.CHECKPOINTS / NAME
    assert file_sha256(entry.adapter) == file_sha256(shipped / ADAPTER_FILE)
    assert find_manifest(entry.home) == find_manifest(shipped)
    assert entry.backbone == "shapes" and entry.parents
    with pytest.raises(InputError, match="called back already"):
        receive(tmp_path / "home", pulled, "back")


def test_another_file_than_the_manifest_names_is_refused(pulled: Path, tmp_path: Path):
    data = bytearray((pulled / ADAPTER_FILE).read_bytes())
    data[-1] ^= 1
    (pulled / ADAPTER_FILE).write_bytes(data)
    with pytest.raises(InputError, match="SHA-256 is .* not taken"):
        receive(tmp_path / "home", pulled, "back")
    assert not (tmp_path / "home/checkpoints/back").exists()


@pytest.mark.parametrize("name", ["../back", "", "a b", "base"])
def test_names_are_checked(pulled: Path, tmp_path: Path, name: str):
    with pytest.raises(InputError):
        receive(tmp_path / "home", pulled, name)


def test_what_push_did_not_make_is_refused(pulled: Path, tmp_path: Path):
    manifest = json.loads((pulled / "manifest.json").read_text())
    (pulled / "manifest.json").write_text(json.dumps({**manifest, "backbone": "nothing"}))
    with pytest.raises(InputError, match="nothing"):
        receive(tmp_path / "home", pulled, "back")
    shutil.copy(pulled / ADAPTER_FILE, tmp_path / "alone.safetensors")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="checkpoints add"):
        receive(tmp_path / "home", tmp_path / "empty", "back")


def test_no_repository_is_one_sentence(tmp_path: Path):
    with pytest.raises(InputError, match="no repository me/nothing"):
        pull_checkpoint("me/nothing", tmp_path, api=DiskHub(tmp_path / "hub"))
