from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from t2ialign import torchvision_guard
from t2ialign.encoders import lpips as encoder
from t2ialign.encoders.trunk import build_trunk, load_trunk, save_trunk, trunk_features
from t2ialign.metrics import METRICS
from t2ialign.types import InputError, Prompt
from tests.encoders.pictures import pictures

torchvision_guard.install()
import lpips  # noqa: E402

PROMPT = Prompt("a red circle")


def package_pairs(model: lpips.LPIPS, images: Tensor) -> Tensor:
    unit = images.float() / 255
    rows = [torch.cat([model(x[None], y[None], normalize=True).view(1) for y in unit]) for x in unit]
    return torch.stack(rows).detach()


def random_encoder(model: lpips.LPIPS) -> encoder.LpipsEncoder:
    return encoder.LpipsEncoder("lpips-random", "0", "cpu", lambda device: encoder.network_of(model, device))


@pytest.mark.slow
@pytest.mark.parametrize("net", encoder.NETS)
@pytest.mark.parametrize("size", [(64, 64), (71, 90)], ids=str)
def test_all_pairs_equal_the_package(net: str, size: tuple[int, int]):
    """The package's own module with its trained linear weights, on a random trunk: no ImageNet weights are needed."""
    torch.manual_seed(0)
    model = encoder.package_model(net, random_trunk=True)
    images = torch.cat([pictures(3, *size), pictures(1, *size)])  # the last is a copy of the first
    pairs = METRICS["lpips"].compute(random_encoder(model).encode(images, PROMPT))
    torch.testing.assert_close(pairs, package_pairs(model, images), rtol=1e-5, atol=1e-8)
    assert pairs[0, 3] == 0


def test_own_trunk_equals_the_packages_functions(tmp_path: Path):
    torch.manual_seed(0)
    lins = [torch.rand(4), torch.rand(6)]
    save_trunk(tmp_path, build_trunk((4, 6)), lins)
    images = pictures(4, 32, 48)
    found = METRICS["lpips"].compute(encoder.load(tmp_path, "cpu").encode(images, PROMPT))
    trunk, _ = load_trunk(tmp_path)
    layers = [lpips.normalize_tensor(layer) for layer in trunk_features(trunk, images.float() / 127.5 - 1)]
    expected = torch.zeros(4, 4)
    for layer, lin in zip(layers, lins, strict=True):
        weigh = lpips.NetLinLayer(len(lin))
        weigh.model[-1].weight.data = lin.view(1, -1, 1, 1)
        for i in range(4):
            difference = (layer[i] - layer) ** 2
            expected[i] += lpips.spatial_average(weigh(difference), keepdim=False)[:, 0].detach()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


def test_batching_does_not_change_the_rows(monkeypatch: pytest.MonkeyPatch):
    model = encoder.package_model("squeeze", random_trunk=True)
    images = pictures(5)
    whole = random_encoder(model).encode(images, PROMPT)["lpips"]
    monkeypatch.setitem(encoder.PIXELS_AT_ONCE, "cpu", 64 * 64 * 2)
    torch.testing.assert_close(random_encoder(model).encode(images, PROMPT)["lpips"], whole, rtol=1e-4, atol=1e-7)


def test_network_is_built_at_the_first_call(tmp_path: Path):
    save_trunk(tmp_path, build_trunk((4,)))
    loaded = encoder.load(str(tmp_path), "cpu")
    assert (len(loaded.sha), loaded.provides) == (16, ("lpips",))
    assert "network" not in vars(loaded)
    loaded.encode(pictures(1), PROMPT)
    assert "network" in vars(loaded)


def test_imagenet_trunk_from_torchs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file with torchvision's layout and name in torch's cache folder is all that the ImageNet trunk needs."""
    from torchvision.models import squeezenet1_1

    torch.manual_seed(1)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    trunk = squeezenet1_1()
    torch.save(trunk.state_dict(), tmp_path / "checkpoints" / "squeezenet1_1-b8a52dc0.pth")
    loaded = encoder.load("squeeze", "cpu")
    images = pictures(2)
    first = trunk.features[:2](encoder.package_model("squeeze", True).scaling_layer(images.float() / 127.5 - 1))
    layers, _ = loaded.network
    torch.testing.assert_close(layers(images.float() / 127.5 - 1)[0], first)
    assert loaded.id == "lpips-squeeze"


def test_offline_and_unknown_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(InputError, match="The weights alexnet-owt-7be5be79.pth are not on this machine"):
        encoder.load("alex", "cpu")
    with pytest.raises(InputError, match="not an LPIPS trunk: name one of alex, vgg, squeeze"):
        encoder.load("resnet", "cpu")
    with pytest.raises(InputError, match=r"has no config\.json"):
        encoder.load(tmp_path, "cpu")
