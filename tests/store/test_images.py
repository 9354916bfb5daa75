from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from t2ialign.files import write_whole
from t2ialign.store import images


def noise(pixels: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (3, pixels, pixels), generator=torch.Generator().manual_seed(seed)).byte()


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 64, 64), (3, 33, 47)])
def test_pictures_are_lossless_for_any_reader(shape: tuple[int, ...]):
    image = torch.randint(0, 256, shape).byte()
    data = images.encode(image)
    assert torch.equal(images.decode(data), image)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), image.permute(1, 2, 0).numpy())


def test_the_name_is_the_sha256_of_the_file(tmp_path: Path):
    sha = images.write(tmp_path, images.encode(noise(16)))
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert file == tmp_path / "images" / sha[:2] / f"{sha}.webp"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == sha


@pytest.mark.parametrize("damage", [b"", b"something else", None])
def test_a_changed_or_missing_file_is_noticed_and_mended(tmp_path: Path, damage: bytes | None):
    data = images.encode(noise(16))
    sha = images.write(tmp_path, data)
    file = images.path_of(tmp_path, sha)
    file.unlink() if damage is None else file.write_bytes(damage)
    assert images.read(tmp_path, sha) is None
    assert images.write(tmp_path, data) == sha
    assert images.read(tmp_path, sha) == data


def test_an_intact_file_is_not_written_again(tmp_path: Path):
    data = images.encode(noise(16))
    file = images.path_of(tmp_path, images.write(tmp_path, data))
    before = file.stat().st_ino
    images.write(tmp_path, data)
    assert file.stat().st_ino == before


def test_no_temporary_file_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no"):
        write_whole(tmp_path / "deep" / "file", b"data")
    assert list((tmp_path / "deep").iterdir()) == []


@pytest.mark.parametrize("sha", ["../../etc/passwd", "abc", "A" * 64, "a" * 64 + "\n", ""])
def test_only_a_hash_is_a_name(tmp_path: Path, sha: str):
    with pytest.raises(ValueError, match="SHA-256"):
        images.path_of(tmp_path, sha)


@pytest.mark.parametrize("pixels", [64, 200, 512])
def test_thumbnails_are_small_even_of_noise(pixels: int):
    small = images.thumbnail(images.encode(noise(pixels)))
    assert 0 < len(small) <= images.THUMBNAIL_BYTES
    assert Image.open(io.BytesIO(small)).size == (min(pixels, 128), min(pixels, 128))


def test_a_small_picture_is_its_own_thumbnail():
    smooth = torch.arange(64).expand(3, 64, 64).byte()
    assert images.thumbnail(images.encode(smooth)) == images.encode(smooth)
