"""A step-aware preference model of the embedded world: what raters would think of a picture that is not finished yet.

SPO (Liang et al., arXiv:2406.04314) marks the picture that a step sees in its noise by a model that knows the step: PickScore's
CLIP with the timestep let into its normalisations. Here a small convolutional network stands in for CLIP's image tower; its
cells attend to the prompt's tokens as the base's own text encoder has them.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import interpolate, silu

from t2ialign.shapes.reader import Residual
from t2ialign.types import InputError

FOLDER, WEIGHTS = "step-scorer-shapes", "model.safetensors"
SIDE, WIDTH, TEXT, TIME = 64, 96, 128, 64


class _Known(nn.Module):
    """A residual block whose input is scaled and shifted by what the step is."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, WIDTH, affine=False)
        self.step = nn.Linear(TIME, 2 * WIDTH)
        self.body = Residual(WIDTH)

    def forward(self, cells: Tensor, step: Tensor) -> Tensor:
        scale, shift = self.step(step)[:, :, None, None].chunk(2, 1)
        out: Tensor = cells + self.body((1 + scale) * self.norm(cells) + shift)
        return out


class StepScorer(nn.Module):
    """Pictures in [0, 1], the prompts' tokens and the timesteps (0 is finished) to utilities, up to a constant a prompt."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 32, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),
            Residual(64),
            nn.Conv2d(64, WIDTH, 4, stride=2, padding=1),
        )
        self.time = nn.Sequential(nn.Linear(TIME, TIME), nn.SiLU(), nn.Linear(TIME, TIME))
        self.before, self.after = _Known(), _Known()
        self.prompt = nn.MultiheadAttention(WIDTH, 4, kdim=TEXT, vdim=TEXT, batch_first=True)
        self.head = nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, 1))

    def forward(
        self, pictures: Float[Tensor, "b 3 h w"], tokens: Float[Tensor, "b l d"], timesteps: Int[Tensor, " b"]
    ) -> Float[Tensor, " b"]:
        if pictures.shape[-1] != SIDE or pictures.shape[-2] != SIDE:
            pictures = interpolate(pictures, (SIDE, SIDE), mode="bilinear", antialias=True)
        step = silu(self.time(_waves(timesteps)))
        cells = self.before(self.stem(2 * pictures - 1), step)
        rows = cells.flatten(2).transpose(1, 2)
        said, _ = self.prompt(rows, tokens, tokens, need_weights=False)
        cells = self.after((rows + said).transpose(1, 2).reshape(cells.shape), step)
        pooled = torch.cat([cells.mean((2, 3)), cells.amax((2, 3))], 1)
        found: Tensor = self.head(pooled)
        return found[:, 0].float()


def _waves(timesteps: Int[Tensor, " b"]) -> Float[Tensor, "b d"]:
    """Sines and cosines of a timestep at wavelengths from 2 pi to 2 pi 10,000."""
    angles = timesteps[:, None] * 1e4 ** -torch.linspace(0, 1, TIME // 2, device=timesteps.device)
    return torch.cat([angles.sin(), angles.cos()], 1)


def weights_in(folder: Path) -> Path:
    """The file of a trained one; ``InputError`` says how to train it where it is not there."""
    if not (folder / WEIGHTS).is_file():
        raise InputError(
            f"The step-aware preference model is not in {folder}: train it with `python -m t2ialign.shapes.pretrain "
            "step_scorer`, or let the reward itself judge the steps (step_aware off)."
        )
    return folder / WEIGHTS


def load(folder: Path, device: str) -> StepScorer:
    """The trained one. ``InputError`` where it is not there."""
    weights, scorer = load_file(weights_in(folder)), StepScorer()
    scorer.load_state_dict(weights)
    return scorer.float().to(device).eval().requires_grad_(False)
