from __future__ import annotations

from pathlib import Path

import pytest
import torch

from t2ialign.encoders import hps
from t2ialign.encoders.clip import build_clip
from t2ialign.encoders.preprocess import CLIP_224, preprocess
from t2ialign.types import InputError, Prompt
from tests.encoders.pictures import pictures
from tests.encoders.slopes import check_features

CFG = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 16, "head_width": 8, "patch_size": 8},
    "text_cfg": {"width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny random open_clip model under a name of its own, saved as HPSv2's checkpoints are."""
    from open_clip import factory

    monkeypatch.setitem(factory._MODEL_CONFIGS, "tiny-hps", CFG)
    for seed, file in enumerate(hps.FILES.values()):
        torch.manual_seed(seed)
        torch.save({"state_dict": build_clip(CFG).state_dict(), "epoch": 3}, tmp_path / file)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("feature", hps.FILES)
def test_equals_the_cosine_of_the_loaded_model(folder: Path, feature: str):
    import open_clip

    images, prompt = pictures(3, 48, 40), "a red circle"
    found = hps.load(folder, "cpu", feature, "tiny-hps").encode(images, Prompt(prompt))
    network = build_clip(CFG).eval()
    network.load_state_dict(torch.load(folder / hps.FILES[feature], weights_only=True)["state_dict"])
    with torch.no_grad():
        seen = network.encode_image(preprocess(images, {**CLIP_224, "size": 32}), normalize=True)
        read = network.encode_text(open_clip.SimpleTokenizer()([prompt]), normalize=True)
        torch.testing.assert_close(found, {feature: (seen @ read.T)[:, 0]})


def test_the_two_versions_are_two(folder: Path):
    old, new = (hps.load(folder, "cpu", feature, "tiny-hps") for feature in hps.FILES)
    assert (old.provides, new.provides) == (("hps_v20",), ("hps_v21",))
    assert old.sha != new.sha


def test_bad_input_is_one_sentence(folder: Path):
    with pytest.raises(InputError, match="HPSv2 has no version hps_v3; choose hps_v20 or hps_v21"):
        hps.load(folder, "cpu", "hps_v3")
    torch.save({"weights": {}}, folder / hps.FILES["hps_v21"])
    with pytest.raises(InputError, match="does not hold weights of tiny-hps as HPSv2 saves them"):
        hps.load(folder, "cpu", "hps_v21", "tiny-hps").encode(pictures(1), Prompt("a"))
    with pytest.raises(InputError, match=r"HPS_v2\.1_compressed\.pt of xswu/HPSv2 are not on this machine"):
        hps.load("xswu/HPSv2@abc", "cpu")


def test_its_score_has_a_slope(folder: Path):
    check_features(hps.load(folder, "cpu", "hps_v21", "tiny-hps"), pictures(2, 40, 48), 32)
