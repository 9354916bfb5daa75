from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from transformers import Dinov2Config, Dinov2Model

from t2ialign.encoders import dinov2
from t2ialign.encoders.preprocess import DINO_224, preprocess
from t2ialign.types import InputError, Prompt
from tests.encoders.pictures import pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = Dinov2Config(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, patch_size=14, image_size=56)
    path = tmp_path_factory.mktemp("dino") / "dinov2-tiny"
    Dinov2Model(config).save_pretrained(path)
    return path


def test_is_the_class_token_after_the_last_norm(folder: Path):
    images = pictures(2)
    found = dinov2.load(folder, "cpu").encode(images, Prompt("a"))["dinov2"]
    model = Dinov2Model.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = model(pixel_values=preprocess(images, DINO_224)).last_hidden_state[:, 0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_weights_and_settings_are_its_identity_and_its_name_is_not(folder: Path, tmp_path: Path, name: str):
    known = dinov2.load(folder, "cpu")
    copy = shutil.copytree(folder, tmp_path / "another name")
    (copy / "README.md").write_text("about it")
    same = dinov2.load(copy, "cpu")
    assert (same.id, same.sha) == (known.id, known.sha)
    (copy / name).write_bytes((copy / name).read_bytes() + b" x")
    assert dinov2.load(copy, "cpu").sha[:12] != known.sha[:12]


def test_offline_and_empty_folders_are_one_sentence(tmp_path: Path):
    with pytest.raises(InputError, match="weights facebook/dinov2-base are not on this machine"):
        dinov2.load("facebook/dinov2-base@abc", "cpu")
    with pytest.raises(InputError, match="holds no safetensors file"):
        dinov2.load(tmp_path, "cpu")
