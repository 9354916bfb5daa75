"""D2-Align's correction: by hand, and what its vector learns."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from t2ialign.training.correction import corrected, corrected_encoder, learn_vector
from t2ialign.types import Prompt


def test_by_hand() -> None:
    """e = (1, 0), b = (0, 1): e_+ = (1, 1) / sqrt 2, e_- = (1, -1) / sqrt 2; omega 1.5 adds half of their difference to e_+."""
    text, vector = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    assert corrected(text, vector, 1.5).tolist() == pytest.approx([0.5**0.5, 2 * 0.5**0.5])
    assert corrected(text, vector, 1.0).tolist() == pytest.approx([0.5**0.5, 0.5**0.5])
    assert torch.equal(corrected(text, 0 * vector, 1.5), text), "no vector, no correction"


def test_the_vector_takes_up_what_all_pictures_have_in_common() -> None:
    draw = torch.Generator().manual_seed(0)
    common = torch.zeros(8)
    common[0] = 1.0
    text = normalize(torch.randn(20, 8, generator=draw) * torch.tensor([0.0] + [1.0] * 7), dim=1)
    image = normalize(text + 2 * common, dim=1)
    vector = learn_vector(image, text, 1.5, steps=200, rate=1e-2)
    assert float(vector[0]) > 0.5 and float(vector[1:].abs().max()) < 0.2 * float(vector[0])
    before, after = ((image * one).sum(1).mean() for one in (text, corrected(text, vector, 1.5)))
    assert after > before
    assert torch.equal(vector, learn_vector(image, text, 1.5, steps=200, rate=1e-2))


def test_its_gradient_is_that_of_small_changes() -> None:
    draw = torch.Generator().manual_seed(1)
    image, text = (normalize(torch.randn(6, 5, generator=draw, dtype=torch.float64), dim=1) for _ in range(2))
    vector = (0.3 * torch.randn(5, generator=draw, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(lambda one: (image * corrected(text, one, 1.5)).sum(1).mean(), vector)


class Plain:
    """A picture's embedding is its mean colour, the prompt's its first axis."""

    id, sha, provides = "plain", "0", ("clip_image", "clip_text")

    def encode(self, images: Tensor, prompt: Prompt) -> dict[str, Tensor]:
        raise NotImplementedError

    def features(self, pixels: Tensor, prompt: Prompt) -> dict[str, Tensor]:
        return self.compared(*self.embeddings(pixels, prompt))

    def embeddings(self, pixels: Tensor, prompt: Prompt) -> tuple[Tensor, Tensor]:
        return normalize(pixels.mean((2, 3)), dim=1), torch.tensor([1.0, 0.0, 0.0])

    def compared(self, image: Tensor, text: Tensor) -> dict[str, Tensor]:
        return {"clip_image": image, "clip_text": text}


def test_an_encoder_with_a_correction_compares_with_the_corrected_prompt() -> None:
    vector = torch.tensor([0.0, 1.0, 0.0])
    found = corrected_encoder(Plain(), vector, 1.5)
    images = torch.full((2, 3, 4, 4), 200, dtype=torch.uint8)
    assert torch.equal(found.encode(images, Prompt("x"))["clip_text"], corrected(torch.eye(3)[0], vector, 1.5))
    assert found.id == "plain-corrected" and found.sha != corrected_encoder(Plain(), 2 * vector, 1.5).sha
