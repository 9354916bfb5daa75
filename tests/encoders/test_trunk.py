from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from t2ialign.encoders.trunk import build_trunk, load_trunk, save_trunk, trunk_features
from t2ialign.types import InputError


def test_stages_halve_the_picture():
    shapes = [tuple(layer.shape) for layer in trunk_features(build_trunk((4, 6, 8)), torch.zeros(2, 3, 16, 24))]
    assert shapes == [(2, 4, 16, 24), (2, 6, 8, 12), (2, 8, 4, 6)]


def test_round_trip(tmp_path: Path):
    trunk, lins = build_trunk((4, 6)), [torch.rand(4), torch.rand(6)]
    save_trunk(tmp_path / "trunk", trunk, lins)
    loaded, loaded_lins = load_trunk(tmp_path / "trunk")
    pixels = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(trunk_features(loaded, pixels), trunk_features(trunk, pixels))
    torch.testing.assert_close(loaded_lins, lins)
    assert not any(weight.requires_grad for weight in loaded.parameters())


def test_without_lins_every_channel_counts_alike(tmp_path: Path):
    save_trunk(tmp_path, build_trunk((4, 6)))
    torch.testing.assert_close(load_trunk(tmp_path)[1], [torch.ones(4), torch.ones(6)])


def test_foreign_weights_are_refused(tmp_path: Path):
    save_trunk(tmp_path, build_trunk((4, 6)))
    (tmp_path / "config.json").write_text(json.dumps({"channels": [4, 7]}))
    with pytest.raises(InputError, match="does not hold a trunk"):
        load_trunk(tmp_path)
    (tmp_path / "trunk.safetensors").write_bytes(b"cut off")
    with pytest.raises(InputError, match="does not hold a trunk"):
        load_trunk(tmp_path)
