"""Folders of pictures: every mode that Pillow knows, and a sentence for what is no picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2ialign.metrics import NAMES
from t2ialign.types import InputError
from t2ialign.use_cases.batches.picture_folders import read_captions, read_pictures
from t2ialign.use_cases.batches.requests import picture_files
from t2ialign.use_cases.batches.score_pictures import score_folder


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for index, mode in enumerate(("RGB", "L", "RGBA", "P")):
        Image.fromarray(rng.integers(0, 255, (20, 24, 3), dtype=np.uint8)).convert(mode).save(tmp_path / f"{index}.png")
    return tmp_path


def test_every_mode_becomes_rgb(folder) -> None:
    pictures = read_pictures(picture_files(folder))
    assert pictures.shape == (4, 3, 20, 24)
    grey = pictures[1]
    assert (grey[0] == grey[1]).all() and (grey[1] == grey[2]).all()


def test_transparency_lies_on_white(tmp_path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_pictures(picture_files(tmp_path)) == 255).all()


def test_sixteen_bits_are_scaled_and_not_cut(tmp_path) -> None:
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(levels * 257).save(tmp_path / "deep.png")
    Image.fromarray(levels.astype(np.uint8)).save(tmp_path / "plain.png")
    deep, plain = read_pictures(picture_files(tmp_path))
    assert (deep == plain).all() and deep.max() == 255


def test_numbers_without_a_white_are_refused(tmp_path) -> None:
    Image.fromarray(np.ones((16, 16), np.float32)).save(tmp_path / "depth.tif")
    with pytest.raises(InputError, match="'depth.tif' is not a readable picture .* do not say what is white"):
        read_pictures(picture_files(tmp_path))


def test_photographs_lie_as_their_camera_says(tmp_path) -> None:
    turned = Image.new("RGB", (20, 12))
    exif = turned.getexif()
    exif[274] = 6  # turn by 90 degrees
    turned.save(tmp_path / "turned.jpg", exif=exif)
    assert read_pictures(picture_files(tmp_path)).shape == (1, 3, 20, 12)


def test_scores_of_a_folder(folder) -> None:
    report = score_folder(folder, "", ("ssim", "entropy_1d"), ())
    assert report.files == ("0.png", "1.png", "2.png", "3.png")
    assert report.scores["ssim"].values.shape == (4, 4) and report.scores["entropy_1d"].values.shape == (4,)


def test_bad_folders_get_one_sentence(folder, tmp_path) -> None:
    with pytest.raises(InputError, match="not a folder"):
        picture_files(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("no picture")
    with pytest.raises(InputError, match="holds no pictures"):
        picture_files(empty)
    (folder / "broken.png").write_bytes((folder / "0.png").read_bytes()[:60])
    with pytest.raises(InputError, match="broken.png"):
        read_pictures(picture_files(folder))
    (folder / "broken.png").unlink()
    Image.new("RGB", (8, 8)).save(folder / "small.png")
    with pytest.raises(InputError, match="'small.png' is 8 x 8"):
        read_pictures(picture_files(folder))


@pytest.mark.slow
def test_all_leaves_out_what_cannot_be_measured_and_names_are_answered(folder) -> None:
    report = score_folder(folder, "", ("all",), ("lpips-shapes", "clip-shapes"))
    assert {"lpips", "fsim", "ssim_paper", "vendi"} <= set(report.scores)
    assert not {"clip_score", "mutual_information", "oracle_alignment"} & set(report.scores)
    with pytest.raises(InputError, match="'clip_score' compares pictures with their prompt"):
        score_folder(folder, "", ("clip_score",), ("clip-shapes",))
    with pytest.raises(InputError, match="ask for 'mutual_information_renoise' instead"):
        score_folder(folder, "a ring", ("mutual_information",), ("clip-shapes",))
    with pytest.raises(InputError, match="no scorer called 'lpips-shape': did you mean 'lpips-shapes'"):
        score_folder(folder, "", (), ("lpips-shape",))


@pytest.mark.slow
def test_what_is_not_measured_says_what_it_lacks(folder) -> None:
    heard = []
    report = score_folder(folder, "a photo of a cat", ("all",), (), lambda *said: heard.append(said))
    assert set(report.scores) | set(report.skipped) == set(NAMES) and not set(report.scores) & set(report.skipped)
    assert report.skipped["hps_v21"] == "needs another scorer: --scorers hps-v2.1"
    assert report.skipped["dinov2_diversity"].endswith("--scorers dinov2-base")
    assert "_renoise" in report.skipped["mutual_information"]
    assert report.skipped["oracle_alignment"] == "knows the embedded world's prompts only"
    assert "clip_score" in report.notes[0] and "for photographs, name others" in report.notes[0]
    assert heard[0][0] == 0 and heard[-1][0] == 1 and heard == sorted(heard, key=lambda said: said[0])
    with pytest.raises(InputError, match="'aesthetic' needs another scorer: --scorers aesthetic"):
        score_folder(folder, "", ("aesthetic",), ())
    assert score_folder(folder, "", ("rmse",), ()).notes == ()


def test_the_short_list_is_shorter(folder) -> None:
    plain = set(score_folder(folder, "", (), ("lpips-shapes",)).scores)
    assert "ssim" in plain and not {"fsim", "fsim_paper", "psnr"} & plain


def test_one_picture_has_no_pairs(folder) -> None:
    for name in ("1.png", "2.png", "3.png"):
        (folder / name).unlink()
    assert set(score_folder(folder, "", ("all",), ("lpips-shapes",)).scores) == {
        "entropy_1d",
        "entropy_2d",
        "entropy_2d_paper",
    }
    with pytest.raises(InputError, match="'lpips' compares pictures with each other"):
        score_folder(folder, "", ("lpips",), ("lpips-shapes",))


def test_pictures_too_small_to_measure_are_a_sentence(tmp_path) -> None:
    for index in range(2):
        Image.new("RGB", (2, 16)).save(tmp_path / f"{index}.png")
    with pytest.raises(InputError, match="Pictures of 2 x 16 pixels are too small"):
        score_folder(tmp_path, "", ("rmse",), ())


def test_the_odd_one_out_is_named(folder) -> None:
    Image.new("RGB", (8, 8)).save(folder / "0-first.png")
    Image.new("RGB", (9, 9)).save(folder / "z-last.png")
    with pytest.raises(InputError, match=r"'0-first.png' is 8 x 8 pixels but most pictures are 24 x 20 \(and 1 more"):
        read_pictures(picture_files(folder))


def captioned(folder: Path, **captions: bytes | None) -> list[Path]:
    """Pictures ``a``, ``b``, ... and beside them their captions; the ending follows two underscores."""
    files = []
    for name, text in captions.items():
        stem, _, ending = name.partition("__")
        Image.new("RGB", (12, 12)).save(folder / f"{stem}.png")
        if text is not None:
            (folder / f"{stem}.{ending}").write_bytes(text)
        files.append(folder / f"{stem}.png")
    return files


def test_captions_are_what_others_write_beside_their_pictures(tmp_path: Path) -> None:
    """kohya's default ending, a BOM of Windows' Notepad, capitals, UTF-16 and several lines."""
    files = captioned(
        tmp_path,
        a__caption=b"a green star\n",
        b__txt="\ufeffa red circle".encode(),
        c__TXT=b"a blue\r\nsquare",
        d__txt="a caf\xe9".encode("utf-16"),
    )
    said: list[str] = []
    wanted = ["a green star", "a red circle", "a blue square", "a caf\xe9"]
    assert [prompt.text for prompt in read_captions(files, said.append)] == wanted and not said


def test_without_captions_names_are_prompts_and_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    files = captioned(tmp_path, a_red_circle=None)
    assert [prompt.text for prompt in read_captions(files, said.append)] == ["a red circle"]
    assert said == ["No picture has a caption (.txt or .caption) beside it, so the files' names are the prompts."]


@pytest.mark.parametrize(
    ("captions", "sentence"),
    [
        ({"a__txt": b"one", "b": None}, "1 of 2 pictures have no caption .*'b.png' for one"),
        ({"a__txt": b"one", "a__caption": b"two"}, "'a.png' has captions that differ"),
        ({"a__txt": b" \n"}, "caption of 'a.png' is empty"),
        ({"a__txt": b"caf\xe9"}, "'a.txt' is no text in UTF-8"),
        ({"a__txt": b"\x07"}, r"control character \(U\+0007\)"),
    ],
)
def test_captions_that_do_not_say_one_thing_are_refused(tmp_path: Path, captions: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_captions(list(dict.fromkeys(captioned(tmp_path, **captions))), lambda _: None)
