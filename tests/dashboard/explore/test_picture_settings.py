"""A dropped picture fills the form, and what it could not fill is said."""

import pytest
from PIL import Image

from t2ialign.dashboard.explore import picture_settings
from t2ialign.dashboard.shared.pictures import png_of
from t2ialign.pictures import PictureSettings, png_file
from t2ialign.types import Prompt
from tests.dashboard import fakes

FIELDS = ("a ring", ["base", "spo"], 2.0, 0, 8, 50, "euler", "cfg", "", "ugly", 0, 0)


def restored(services, path, data: bytes) -> dict:
    (path / "mine.png").write_bytes(data)
    return picture_settings.restore(services, str(path / "mine.png"), *FIELDS)


def test_one_of_ours_gives_its_form_back(services, config, tmp_path):
    fakes.add_cell(services.store, Prompt("a red circle"), config("spo", 7.5, scheduler="ddpm"), (3,))
    cell = services.store.rows("SELECT cell FROM cells")[0][0]
    found = restored(services, tmp_path, png_of(services.store, cell, 3))
    assert (found["prompt"], found["checkpoints"], found["guidance_scale"]) == ("a red circle", ["spo"], 7.5)
    assert (found["first_seed"], found["seed_count"], found["scheduler"], found["negative_prompt"]) == (
        3,
        8,
        "ddpm",
        "",
    )
    assert "in the form." in found["notice"] and "will differ" not in found["notice"]


def test_what_is_not_here_is_said(services, config, tmp_path):
    made = PictureSettings("x", config("spo", 40, num_inference_steps=30), 2**32 - 1)
    found = restored(services, tmp_path, png_file(Image.new("RGB", (2, 2)), made))
    assert (found["guidance_scale"], found["first_seed"], found["steps"]) == (2.0, 0, 30)
    assert all(part in found["notice"] for part in ("CFG 40 is beyond", "Seed 4.29497e+09 is beyond", "will differ"))


@pytest.mark.parametrize(("file", "said"), [(None, ""), ("picture", "does not say how it was made")])
def test_what_says_nothing_leaves_the_form(services, tmp_path, file, said):
    path = tmp_path / "mine.png"
    Image.new("RGB", (2, 2)).save(path)
    found = picture_settings.restore(services, str(path) if file else None, *FIELDS)
    assert "prompt" not in found and said in found.get("notice", "")
