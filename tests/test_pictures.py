"""One picture file is one picture: EXIF, transparency, sixteen bits and files that are none."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2ialign.pictures import read_picture
from t2ialign.types import InputError

RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


def file_of(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def bomb(side: int = 20_000) -> bytes:
    """A PNG of a few bytes that declares side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def corner(data: bytes) -> tuple[int, ...]:
    return read_picture(data, "it").getpixel((0, 0))


@pytest.mark.parametrize(("orientation", "first"), [(1, RED), (3, GREEN), (4, GREEN), (6, RED), (8, GREEN)])
def test_exif_turns_pictures_upright(orientation: int, first: tuple[int, ...]) -> None:
    """Red above green as stored: upside down (3), mirrored (4), red at the right (6: turn clockwise) or at the left (8)."""
    picture = Image.new("RGB", (16, 32), GREEN)
    picture.paste(RED, (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = read_picture(file_of(picture, exif=exif), "it")
    assert upright.size == ((16, 32) if orientation < 5 else (32, 16))
    ends = {6: ((31, 0), RED), 8: ((0, 0), RED)}
    place, colour = ends.get(orientation, ((0, 0), first))
    assert upright.getpixel(place) == colour


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_lies_on_white(mode: str) -> None:
    if mode == "P":
        picture = Image.new("P", (8, 8), 0)
        assert corner(file_of(picture, transparency=0)) == WHITE
        return
    clear = (255, 0, 0, 0) if mode == "RGBA" else (9, 0)
    assert corner(file_of(Image.new(mode, (8, 8), clear))) == WHITE


def test_half_red_on_white_is_pink() -> None:
    assert corner(file_of(Image.new("RGBA", (8, 8), (255, 0, 0, 128)))) == (255, 127, 127)


def test_sixteen_bits_are_scaled_and_32_bits_refused() -> None:
    deep = file_of(Image.fromarray(np.full((8, 8), 20_000, np.uint16)))
    assert corner(deep) == (78, 78, 78)  # 20000 / 257 = 77.8
    with pytest.raises(InputError, match="do not say what is white"):
        read_picture(file_of(Image.fromarray(np.full((8, 8), 0.5, np.float32)), "TIFF"), "it")


@pytest.mark.parametrize("data", [b"", b"no picture", file_of(Image.new("RGB", (8, 8)))[:40], bomb()])
def test_no_picture_is_one_sentence_that_names_it(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "mine.png"
    path.write_bytes(data)
    for source in (path, data):
        with pytest.raises(InputError, match="^'mine.png' is not a readable picture .*: remove or replace it.$"):
            read_picture(source, "'mine.png'")
