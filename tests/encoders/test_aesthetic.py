from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from t2ialign.encoders import aesthetic
from t2ialign.encoders.clip import build_clip, load_clip
from t2ialign.types import InputError, Prompt
from tests.encoders.pictures import pictures
from tests.encoders.slopes import check_features
from tests.encoders.test_hps import CFG
from tests.encoders.test_reward_head import published_head


@pytest.fixture
def head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A random head in LAION's layout, and a tiny backbone behind an open_clip tag."""
    from open_clip import factory, pretrained

    torch.manual_seed(0)
    monkeypatch.setitem(factory._MODEL_CONFIGS, "tiny-l", CFG)
    weights = {name: tensor.contiguous() for name, tensor in build_clip(CFG).state_dict().items()}
    save_file(weights, tmp_path / "tiny.safetensors")
    monkeypatch.setitem(pretrained._PRETRAINED, "tiny-l", {"here": {"file": str(tmp_path / "tiny.safetensors")}})
    state = {f"layers.{name}": tensor for name, tensor in published_head(12).state_dict().items()}
    torch.save(state, tmp_path / aesthetic.FILE)
    return tmp_path / aesthetic.FILE


@pytest.mark.slow
def test_equals_the_published_network(head: Path):
    found = aesthetic.load(head, "cpu", clip="tiny-l/here").encode(pictures(4), Prompt("anything"))["aesthetic"]
    network = published_head(12)
    network.load_state_dict(
        {name.removeprefix("layers."): t for name, t in torch.load(head, weights_only=True).items()}
    )
    embeddings = load_clip("tiny-l/here", "cpu").images(pictures(4))
    with torch.no_grad():
        torch.testing.assert_close(found, network.eval()(embeddings)[:, 0], rtol=1e-5, atol=1e-6)


def test_identity_is_that_of_head_and_backbone(head: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """All of it within the twelve digits that a score's version keeps."""
    one = aesthetic.load(head, "cpu", clip="tiny-l/here")
    other_head = tmp_path / head.name
    other_head.write_bytes(head.read_bytes() + b"more")
    others = [aesthetic.load(other_head, "cpu", clip="tiny-l/here")]
    monkeypatch.setattr(aesthetic, "load_clip", lambda *_: replace(one.clip, sha="another"))
    others.append(aesthetic.load(head, "cpu", clip="tiny-l/here"))
    assert len({encoder.sha[:12] for encoder in (one, *others)}) == 3


def test_bad_sources_are_one_sentence(head: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(InputError, match="neither a file nor 'laion'"):
        aesthetic.load("nowhere", "cpu", clip="tiny-l/here")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    with pytest.raises(InputError, match=r"weights sac\+logos\+ava1-l14-linearMSE\.pth are not on this machine"):
        aesthetic.load("laion", "cpu")
    head.write_bytes(b"cut off")
    with pytest.raises(InputError, match="is not LAION's"):
        aesthetic.load(head, "cpu", clip="tiny-l/here").encode(pictures(1), Prompt("a"))


def test_its_score_has_a_slope(head: Path):
    check_features(aesthetic.load(head, "cpu", clip="tiny-l/here"), pictures(2, 40, 48), 32)
