"""Previews: the VAE itself where it is small, else a linear map that is really the best one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from t2ialign.diffusion import preview as module
from t2ialign.diffusion.preview import fit_linear_map, linear_preview, preview
from tests.tiny import SHAPES, SIDE


def latents(n: int = 2) -> torch.Tensor:
    return torch.randn(n, 4, 4, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_small_vae_is_its_own_preview(shape, backbones):
    assert torch.equal(preview(backbones[shape], latents()), backbones[shape].decode(latents()))


@pytest.mark.slow
def test_a_large_vae_is_fitted_once(fresh, monkeypatch):
    backbone, fits = fresh(), []
    monkeypatch.setattr(module, "CHEAP_PARAMETERS", 0)
    monkeypatch.setattr(module, "fit_linear_map", lambda one: fits.append(one) or fit_linear_map(one))
    for _ in range(3):
        pictures = preview(backbone, latents())
    assert pictures.shape == (2, 3, 4, 4)
    assert pictures.dtype == torch.uint8
    assert len(fits) == 1


def test_linear_map_by_hand():
    colors = torch.tensor([[10.0, 0, 0, 0, 100], [0, 10, 0, 0, 100], [0, 0, 0, 0, 300]])
    cell = torch.tensor([1.0, -20, 5, 5])[None, :, None, None]
    assert linear_preview(colors, cell).flatten().tolist() == [110, 0, 255]


def test_linear_map_recovers_a_linear_vae(fresh, monkeypatch):
    """Where pixels really are an affine function of the latents, the fit finds it."""
    backbone = fresh()
    mixing = torch.tensor([[30.0, 5, 0, 0], [0, 25, -10, 0], [5, 0, 20, 10]])

    def encode(_, images):
        cells = adaptive_avg_pool2d(images.float(), images.shape[-1] // 8) - 128
        return torch.einsum("ck,nkhw->nchw", torch.linalg.pinv(mixing), cells)

    def decode(_, x):
        pixels = torch.einsum("kc,nchw->nkhw", mixing, x) + 128
        return interpolate(pixels, scale_factor=8).clamp(0, 255).round().to(torch.uint8)

    monkeypatch.setattr(type(backbone), "encode", encode)
    monkeypatch.setattr(type(backbone), "decode", decode)
    colors = fit_linear_map(backbone)
    inside = encode(None, torch.randint(40, 215, (4, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(1)))
    gap = linear_preview(colors, inside).int() - adaptive_avg_pool2d(decode(None, inside).float(), 4).round().int()
    assert gap.abs().max() <= 2


@pytest.mark.slow
def test_the_fit_is_least_squares(fresh):
    """On the fit's own pictures no other affine map does better: numpy's solution is the same."""
    backbone = fresh()
    seen = {}
    encode, decode = type(backbone).encode, type(backbone).decode
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(backbone), "encode", lambda self, x: seen.setdefault("latents", encode(self, x)))
        patch.setattr(type(backbone), "decode", lambda self, x: seen.setdefault("pixels", decode(self, x)))
        colors = fit_linear_map(backbone)
    rows = seen["latents"].movedim(1, -1).flatten(0, 2).numpy()
    cells = adaptive_avg_pool2d(seen["pixels"].float(), seen["latents"].shape[-1]).movedim(1, -1).flatten(0, 2).numpy()
    expected = np.linalg.lstsq(np.c_[rows, np.ones(len(rows))], cells, rcond=None)[0].T
    residuals = [((np.c_[rows, np.ones(len(rows))] @ map_.T - cells) ** 2).sum() for map_ in (colors.numpy(), expected)]
    assert residuals[0] == pytest.approx(residuals[1], rel=1e-3)
