"""One picture file is one picture: EXIF, transparency, sixteen bits and files that are none."""

from __future__ import annotations

import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from t2ialign.pictures import PictureSettings, png_file, read_parameters, read_picture, read_settings
from t2ialign.samplers import SCHEDULERS
from t2ialign.types import AdapterUse, GenerationConfig, InputError

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
    with pytest.raises(
        InputError, match=r"^mine.png is not a readable picture \((?!.* object at ).*\): choose another one.$"
    ):
        read_settings(data, "mine.png")


LINE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=80).map(
    lambda text: " ".join(text.split())
)
CONFIGS = st.builds(
    GenerationConfig,
    backbone=st.sampled_from(["shapes", "sd15"]),
    revision=st.sampled_from(["", "0f3a"]),
    adapters=st.sampled_from([(), (AdapterUse("spo"),), (AdapterUse("spo", 0.5, "ab"), AdapterUse("dpo", 0.25))]),
    guidance=st.sampled_from(["cfg", "interval"]),
    guidance_scale=st.floats(0, 50).map(lambda scale: round(scale, 3)),
    guidance_params=st.sampled_from([(), (("hi", 0.8), ("lo", 0.2))]),
    negative_prompt=LINE,
    num_inference_steps=st.integers(1, 1000),
    scheduler=st.sampled_from(sorted(SCHEDULERS)),
)
MADE = st.builds(
    PictureSettings,
    prompt=LINE.filter(lambda text: bool(text) and not text.startswith("Negative prompt:")),
    config=CONFIGS,
    seed=st.integers(0, 2**32 - 1),
    scores=st.dictionaries(st.sampled_from(["clip_score", "lpips"]), st.floats(-9, 9)),
    version=st.just("9.9"),
)


@pytest.mark.slow
@given(MADE)
def test_a_png_of_ours_says_all_that_made_it(made: PictureSettings):
    picture = Image.new("RGB", (3, 2), RED)
    data = png_file(picture, made)
    assert read_settings(data, "it").made == made
    assert read_picture(data, "it").tobytes() == picture.tobytes()


@pytest.mark.slow
@given(MADE)
def test_the_text_that_others_read_says_the_same(made: PictureSettings):
    found, config = read_parameters(made.parameters), made.config
    assert (found.prompt, found.negative_prompt or "", found.seed) == (made.prompt, config.negative_prompt, made.seed)
    assert (found.steps, found.scheduler, found.guidance) == (
        config.num_inference_steps,
        config.scheduler,
        config.guidance,
    )
    assert found.guidance_scale == pytest.approx(config.guidance_scale, rel=1e-4)
    assert found.checkpoint == (config.checkpoint if config.adapters else config.backbone)
    assert found.unread == (("Not taken over: Guidance hi, Guidance lo.",) if config.guidance_params else ())


FOREIGN = (
    "a castle, (sunset:1.2)\nat sea\nNegative prompt: blurry,\nugly\n"
    'Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: x, Seed: 41, Clip skip: 2, Lora hashes: "a: 1, b: 2"'
)


def test_a_foreign_text_fills_what_it_can_and_says_what_it_could_not():
    found = read_parameters(FOREIGN)
    assert found.prompt == "a castle, (sunset:1.2) at sea" and found.negative_prompt == "blurry, ugly"
    assert (found.steps, found.seed, found.scheduler, found.guidance_scale) == (30, 41, None, None)
    said = " ".join(found.unread)
    assert "'DPM++ 2M Karras'" in said and "CFG scale 'x'" in said and "Clip skip, Lora hashes" in said


@pytest.mark.parametrize("code", ["utf-16-be", "utf-16-le"])
def test_jpegs_carry_the_text_in_their_exif(code: str):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + FOREIGN.encode(code)
    assert read_settings(file_of(Image.new("RGB", (2, 2)), "JPEG", exif=exif), "it").seed == 41


def test_settings_of_another_version_fall_back_on_the_text():
    text = PngInfo()
    text.add_text("t2ialign", '{"prompt": 3}')
    text.add_text("parameters", "a ring\nSteps: 5, Seed: 2, Sampler: Euler a")
    found = read_settings(file_of(Image.new("RGB", (2, 2)), pnginfo=text), "it")
    assert (found.prompt, found.scheduler, found.made) == ("a ring", "euler_ancestral", None)
    assert "cannot be read" in found.unread[0]


@pytest.mark.parametrize("data", [b"", b"no picture", file_of(Image.new("RGB", (2, 2)))])
def test_what_says_nothing_is_refused_in_a_sentence(data: bytes):
    with pytest.raises(InputError, match="^holiday.png (is not a readable picture|does not say how it was made)"):
        read_settings(data, "holiday.png")


def test_pixels_are_counted_before_any_is_decoded():
    """A file that says its size and holds little of it: refused for the size, and not for what is missing."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    data = file_of(Image.fromarray(noise))[:200]  # its header, and a tenth of its pixels
    with pytest.raises(InputError, match="more than 599 pixels"):
        read_picture(data, "it", most=599)
    with pytest.raises(InputError, match="not a readable picture") as damaged:
        read_picture(data, "it", most=600)
    assert "pixels" not in str(damaged.value)


@given(st.text(max_size=300))
def test_any_text_at_all_is_read(text: str):
    """Numbers are numbers or absent, and a prompt is a part of what was there."""
    found = read_parameters(text)
    numbers = (found.guidance_scale, found.steps, found.seed)
    assert all(one is None or math.isfinite(one) for one in numbers)
    assert found.made is None and " ".join((found.prompt or "").split()) in " ".join(text.split())
