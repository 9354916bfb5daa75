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


def test_a_batch_is_generated_scored_and_stored(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(t2ialign.settings, "DATA", tmp_path)  # no shipped runs to take in
    batch = t2ialign.generate("a red circle", seeds=range(2), num_inference_steps=2, home=tmp_path)
    assert set(batch.images) == {0, 1} and 0 <= batch.scores["oracle_alignment"].mean <= 1
    assert t2ialign.generate("a red circle", seeds=range(2), num_inference_steps=2, home=tmp_path).from_store
