"""Tiny random models with a fresh adapter, and data for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from t2ialign.diffusion.adapters import add_adapter
from t2ialign.diffusion.backbone import Backbone
from t2ialign.training.data import TrainData, prompt_table
from tests.tiny import SHAPES, Shape, load_tiny, save_tiny

PROMPTS = ("a red circle", "a blue square", "two stars")


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Shape, Path]:
    """A tiny pipeline of every shape, as stock diffusers saves it."""
    root = tmp_path_factory.mktemp("tiny")
    return {shape: save_tiny(root / shape, shape) for shape in SHAPES}


@pytest.fixture
def policy(folders: dict[Shape, Path]) -> Callable[..., Backbone]:
    """``new_policy`` on these folders."""
    return partial(new_policy, folders)


def new_policy(
    folders: dict[Shape, Path], shape: Shape = "sd-1.5", kind: str = "lora", dtype: str = "float32"
) -> Backbone:
    """A view of a tiny model with a new adapter on: the same one on every call."""
    backbone = load_tiny(folders[shape], shape, dtype)
    torch.manual_seed(7)
    return add_adapter(backbone, "new", kind, rank=4)


def latents(backbone: Backbone, count: int, seed: int) -> torch.Tensor:
    return torch.randn((count, *backbone.latent_shape(32, 32)), generator=torch.Generator().manual_seed(seed))


def pairs_for(backbone: Backbone, count: int = 12, empty_prompts: float = 0.0) -> TrainData:
    """Pairs whose winners and losers are plainly different clouds of latents."""
    table = prompt_table(backbone, [PROMPTS[row % 3] for row in range(count)])
    win, lose = latents(backbone, count, 1) + 1, latents(backbone, count, 2) - 1
    return TrainData(torch.stack([win, lose], 1), table, torch.ones(count), empty_prompts=empty_prompts)


def labelled_for(backbone: Backbone, count: int = 12) -> TrainData:
    table = prompt_table(backbone, [PROMPTS[row % 3] for row in range(count)])
    desirable = torch.arange(count) % 2 == 0
    shift = torch.where(desirable, 1.0, -1.0)[:, None, None, None]
    return TrainData((latents(backbone, count, 1) + shift)[:, None], table, torch.ones(count), desirable)


def weighted_for(backbone: Backbone, count: int = 12) -> TrainData:
    table = prompt_table(backbone, [PROMPTS[row % 3] for row in range(count)])
    return TrainData((latents(backbone, count, 1) + 1)[:, None], table, torch.linspace(0.5, 1.5, count))
