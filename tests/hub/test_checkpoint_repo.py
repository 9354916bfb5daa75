"""A folder becomes a repository, on a stand-in for the Hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from t2ialign.hub.checkpoint_repo import push_checkpoint
from t2ialign.types import InputError
from tests.hub.disk_hub import DiskHub


def test_the_folder_is_the_repository(tmp_path: Path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "README.md").write_text("a card")
    hub = DiskHub(tmp_path / "hub")
    assert push_checkpoint(folder, "me/mine", api=hub) == "https://huggingface.co/me/mine"
    assert hub.private == {"me/mine": True}
    assert (hub.root / "me/mine/README.md").read_text() == "a card"


def test_no_way_to_the_hub_is_one_sentence(tmp_path: Path):
    class Away(DiskHub):
        def create_repo(self, *_, **__):
            raise ConnectionError("no route to host\nand much more")

    with pytest.raises(
        InputError, match=r"^The Hub cannot be reached for me/mine \(no route to host\): try again later"
    ):
        push_checkpoint(tmp_path, "me/mine", api=Away(tmp_path))
