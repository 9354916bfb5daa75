from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models import inception_v3

from t2ialign.encoders import inception
from t2ialign.types import InputError, Prompt
from tests.encoders.pictures import pictures

fid = pytest.importorskip("piq.feature_extractors.fid_inception")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the published file's layout."""
    torch.manual_seed(0)
    network = inception_v3(weights=None, num_classes=1008, aux_logits=False, init_weights=False)
    path = tmp_path_factory.mktemp("fid") / inception.FILE
    torch.save(network.state_dict(), path)
    return path


@pytest.mark.slow
def test_equals_piqs_inception(file: Path, monkeypatch: pytest.MonkeyPatch):
    """piq's port has blocks of its own for the poolings that differ; it loads the same file."""
    state = torch.load(file, weights_only=True)
    monkeypatch.setattr(fid, "load_state_dict_from_url", lambda *_, **__: state)
    theirs = fid.InceptionV3(resize_input=True, normalize_input=True, requires_grad=False).eval()
    images = pictures(2, 80, 64)
    with torch.no_grad():
        expected = theirs(images.float() / 255)[0].flatten(1)
    found = inception.load(file, "cpu").encode(images, Prompt("a"))["inception"]
    assert found.shape == (2, 2048)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_bad_sources_are_one_sentence(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(InputError, match="neither a file nor 'fid'"):
        inception.load("nowhere", "cpu")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(InputError, match=f"The weights {inception.FILE} are not on this machine"):
        inception.load("fid", "cpu")
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(InputError, match="is not FID's Inception"):
        inception.load(damaged, "cpu").encode(pictures(1), Prompt("a"))
