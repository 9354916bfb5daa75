"""D2-Align's directional correction of a reward that compares embeddings (Chen et al. 2025, arXiv:2512.24146).

The prompt's embedding e is replaced by e_- + omega (e_+ - e_-), where e_+ and e_- are e + b and e - b at length 1. The vector b
is learned first, while the generator stands still: it raises the mean reward of the generator's own pictures, and so takes
up what the reward likes about all of them. What is left to gain afterwards lies elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import normalize

from t2ialign.types import Embeds, Encoder, Prompt, content_key

STEPS, RATE = 2000, 1e-3  # the paper's number of steps; its learning rate stands in no source that was found


def corrected(text: Float[Tensor, "*n d"], vector: Float[Tensor, " d"], omega: float) -> Float[Tensor, "*n d"]:
    """The prompt's embedding after the correction; not of length 1."""
    towards, away = (normalize(text + sign * vector, dim=-1) for sign in (1, -1))
    return away + omega * (towards - away)


def learn_vector(
    image: Float[Tensor, "n d"], text: Float[Tensor, "n d"], omega: float, steps: int = STEPS, rate: float = RATE
) -> Float[Tensor, " d"]:
    """The vector that raises the mean of image . corrected(text), by Adam from 0 on; the same data give the same vector."""
    vector = torch.zeros(image.shape[1], device=image.device, requires_grad=True)
    optimizer = torch.optim.Adam([vector], lr=rate)
    with torch.enable_grad():
        for _ in range(steps):
            optimizer.zero_grad()
            loss = -(image * corrected(text, vector, omega)).sum(1).mean()
            (vector.grad,) = torch.autograd.grad(loss, vector)
            optimizer.step()
    return vector.detach()


@dataclass(frozen=True, eq=False)
class CorrectedEncoder:
    """An encoder of embeddings whose prompts are corrected by one vector."""

    id: str
    sha: str
    provides: tuple[str, ...]
    inner: Embeds
    vector: Float[Tensor, " d"]
    omega: float

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        return self.features(images.float() / 255, prompt)

    def features(self, pixels: Float[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        image, text = self.inner.embeddings(pixels, prompt)
        return self.inner.compared(image, corrected(text, self.vector.to(text), self.omega))


def corrected_encoder(inner: Embeds, vector: Float[Tensor, " d"], omega: float) -> CorrectedEncoder:
    """The encoder with its prompts corrected."""
    assert isinstance(inner, Encoder), "whatever embeds also encodes"
    sha = content_key([inner.sha, omega, vector.tolist()])
    return CorrectedEncoder(f"{inner.id}-corrected", sha, inner.provides, inner, vector, omega)
