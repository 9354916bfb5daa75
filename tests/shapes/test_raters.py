"""What the world's raters feel about pixels: that of finished pictures, with a slope."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from t2ialign import settings
from t2ialign.shapes import raters
from t2ialign.shapes.grammar import parse
from t2ialign.shapes.oracle import scenes_of
from t2ialign.shapes.render import render
from t2ialign.types import Differentiable, Prompt

PROMPT = Prompt("a red circle")


@pytest.fixture(scope="module")
def images() -> Tensor:
    return render(scenes_of(parse(PROMPT.text), 3, torch.Generator().manual_seed(0)))


def test_styles_of_pixels_are_those_of_pictures_and_have_a_slope(images: Tensor) -> None:
    encoder = raters.load(settings.CHECKPOINTS / "oracle-shapes", "cpu")
    assert isinstance(encoder, Differentiable)
    plain, pixels = encoder.encode(images, PROMPT), (images.float() / 255).requires_grad_()
    found = encoder.features(pixels, PROMPT)
    assert found and all(torch.allclose(value, plain[name], atol=1e-4) for name, value in found.items())
    assert not any(name.startswith("taste") for name in found), "a taste counts claims"
    total = found["style_minimal"].double().sum()
    (grad,) = torch.autograd.grad(total, pixels)
    along, eps = grad / grad.abs().max(), 2e-3
    with torch.no_grad():
        ends = [
            float(encoder.features(pixels + sign * eps * along, PROMPT)["style_minimal"].double().sum())
            for sign in (1, -1)
        ]
    assert (ends[0] - ends[1]) / (2 * eps) == pytest.approx(float((grad * along).sum()), rel=0.05)


def test_other_prompts_have_none() -> None:
    encoder = raters.load(settings.CHECKPOINTS / "oracle-shapes", "cpu")
    assert encoder.features(torch.zeros(1, 3, 64, 64), Prompt("a photo of a dog")) == {}
