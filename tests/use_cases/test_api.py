"""The public Python API, as the README writes it."""

from __future__ import annotations

import pytest
import torch

import t2ialign
from t2ialign.registry import load_registry
from t2ialign.types import InputError


def test_a_backbone_is_loaded_by_its_name_or_entry() -> None:
    by_name = t2ialign.load_backbone("shapes", device="cpu")
    assert by_name.entry.name == "shapes" and by_name.device == "cpu"
    assert t2ialign.load_backbone(load_registry().backbones["shapes"], dtype="float32").revision == by_name.revision


def test_an_unknown_backbone_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="no backbone called 'shape': did you mean 'shapes'"):
        t2ialign.load_backbone("shape")


def test_pictures_from_anywhere_are_scored() -> None:
    images = torch.randint(0, 256, (3, 3, 20, 24), dtype=torch.uint8)
    scores = t2ialign.score_images(images, metrics=("rmse", "entropy_1d"))
    assert scores["rmse"].values.shape == (3, 3) and scores["entropy_1d"].values.shape == (3,)


@pytest.mark.slow
def test_a_batch_is_generated_scored_and_stored(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(t2ialign.settings, "DATA", tmp_path)  # no shipped runs to take in
    batch = t2ialign.generate("a red circle", seeds=range(2), num_inference_steps=2, home=tmp_path)
    assert set(batch.images) == {0, 1} and 0 <= batch.scores["oracle_alignment"].mean <= 1
    assert t2ialign.generate("a red circle", seeds=range(2), num_inference_steps=2, home=tmp_path).from_store


def test_floats_in_0_to_1_are_the_same_pictures() -> None:
    images = torch.randint(0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    metrics = ["ssim", "rmse", "entropy_1d"]
    wanted = t2ialign.score_images(images, metrics=metrics)
    for floats in (images.float() / 255, images.double() / 255):
        found = t2ialign.score_images(floats, metrics=metrics)
        assert {name: score.mean for name, score in found.items()} == {name: wanted[name].mean for name in metrics}


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (torch.rand(2, 3, 32, 32) * 2 - 1, r"lie in \[0, 1\], and these in \[-"),
        (torch.rand(2, 3, 32, 32) * 255, r"lie in \[0, 1\]"),
        (torch.full((2, 3, 32, 32), torch.nan), "these in .nan, nan"),
        (torch.zeros(2, 3, 32, 32, dtype=torch.int64), "not torch.int64: convert"),
        (torch.zeros(2, 32, 32, 3, dtype=torch.uint8), r"not \[2, 32, 32, 3\]: stack or permute"),
        (torch.zeros(3, 32, 32, dtype=torch.uint8), "shape"),
        (torch.zeros(0, 3, 32, 32, dtype=torch.uint8), "shape"),
    ],
)
def test_what_is_no_picture_is_said(images: torch.Tensor, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        t2ialign.score_images(images, metrics=["ssim"])


def test_what_of_a_prompt_is_not_read_is_a_warning() -> None:
    with pytest.warns(UserWarning, match="plain letters"):
        t2ialign.score_images(torch.zeros(2, 3, 16, 16), "a (red:1.3) circle", metrics=("rmse",))
