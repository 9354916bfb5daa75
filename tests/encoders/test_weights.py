from __future__ import annotations

from pathlib import Path

import pytest

from t2ialign.content import identity
from t2ialign.encoders.weights import existing, file_at
from t2ialign.types import InputError


def test_identity_depends_on_every_file_and_not_on_its_place(tmp_path: Path):
    a, b, copy = (tmp_path / name for name in ("a", "b", "copy"))
    a.write_bytes(b"1")
    b.write_bytes(b"2")
    copy.write_bytes(b"1")
    assert identity([a, b]) == identity([copy, b]) != identity([a, copy])
    assert len(identity([a])) == 16
    before = identity([a, b])
    b.write_bytes(b"changed")
    assert identity([a, b]) != before


def test_missing_file_is_one_sentence(tmp_path: Path):
    with pytest.raises(InputError, match=r"has no config\.json"):
        existing(tmp_path, "config.json")


def test_offline_is_one_sentence():
    with pytest.raises(InputError, match=r"The weights model\.safetensors of nobody/nothing are not on this machine"):
        file_at(f"nobody/nothing@{'0' * 40}", "model.safetensors")
