"""The trunk under the embedded LPIPS: a small convolutional classifier of what a scene contains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2ialign.encoders.trunk import CHANNELS, build_trunk, save_trunk, trunk_features
from t2ialign.shapes.grammar import COLORS, SHAPES, SIZES, TEXTURES
from t2ialign.shapes.render import render
from t2ialign.shapes.scene import Factors, draw_scenes

FOLDER = "lpips-shapes"
# Unit vectors of non-negative activations are at most sqrt(2) apart, so these weights keep the distance in [0, 1].
LIN_WEIGHT = 1 / (2 * len(CHANNELS))
_CONTENT = {"shape": len(SHAPES), "color": len(COLORS), "texture": len(TEXTURES), "size": len(SIZES)}


class Classifier(nn.Module):
    """The trunk with a linear head on its pooled last stage: logits of what is present, and the background's colour."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = build_trunk()
        self.head = nn.Linear(2 * CHANNELS[-1], sum(_CONTENT.values()) + 3)

    def forward(self, pixels: Tensor) -> Tensor:
        last = trunk_features(self.trunk, pixels)[-1]
        logits: Tensor = self.head(torch.cat([last.mean((2, 3)), last.amax((2, 3))], 1))
        return logits


def build(out: Path) -> Classifier:
    return Classifier()


def contents(factors: Factors) -> Tensor:
    """Multi-hot presence of every shape, colour, texture and size among the objects of each scene."""
    present = factors.shape >= 0
    columns = []
    for kind, count in _CONTENT.items():
        hot = F.one_hot(getattr(factors, kind).clamp(min=0), count) * present[..., None]
        columns.append(hot.amax(1))
    return torch.cat(columns, 1).float()


def loss_function(
    model: nn.Module, out: Path, batch: int, setup: torch.Generator
) -> Callable[[nn.Module, torch.Generator], Tensor]:
    def loss(classifier: nn.Module, rng: torch.Generator) -> Tensor:
        factors = draw_scenes(batch, rng, held_out=True)
        heads = classifier(render(factors).float() / 127.5 - 1).float()
        target = contents(factors)
        background = (heads[:, target.shape[1] :] - factors.background).square().mean()
        loss: Tensor = F.binary_cross_entropy_with_logits(heads[:, : target.shape[1]], target) + 10 * background
        return loss

    return loss


def save(model: Classifier, out: Path) -> None:
    lins = [torch.full((channels,), LIN_WEIGHT) for channels in CHANNELS]
    save_trunk(out, model.trunk.cpu(), lins)
