"""A store of its own for each test, and seed batches made of random pixels."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch

from t2ialign.store import Store, open_store
from t2ialign.types import GenerationConfig, Prompt, Score, SeedBatch

ROOT = Path(__file__).resolve().parents[2]

WORKER = """
import math, os, sys
from pathlib import Path
import torch
from t2ialign import store as api
from t2ialign.types import *

def batch_of(text, seeds=(0,), pixels=8):
    draws = (torch.Generator().manual_seed(seed) for seed in seeds)
    images = torch.stack([torch.randint(0, 256, (3, pixels, pixels), generator=draw) for draw in draws]).byte()
    known = torch.tensor([float(seed) for seed in seeds])
    config = GenerationConfig("tiny", height=pixels, width=pixels)
    return SeedBatch(Prompt(text), config, tuple(seeds), images, known, known)

def say(*words):
    print(*words, flush=True)

home = Path(sys.argv[1])
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path, new_store: Path) -> Iterator[Store]:
    shutil.copytree(new_store, home)
    with open_store(home) as store:
        yield store


@pytest.fixture
def batch_of() -> Callable[..., SeedBatch]:
    """Pixels that only depend on the seed (and ``salt``), so that any process can check any other's pictures."""

    def build(
        text: str = "a red circle",
        seeds: Sequence[int] = (0,),
        pixels: int = 8,
        salt: int = 0,
        category: str = "",
        backbone: str = "tiny",
        **config,
    ) -> SeedBatch:
        draws = (torch.Generator().manual_seed(seed + 1000 * salt) for seed in seeds)
        images = torch.stack([torch.randint(0, 256, (3, pixels, pixels), generator=draw) for draw in draws]).byte()
        known = torch.tensor([float(seed) for seed in seeds])
        settings = GenerationConfig(backbone, height=pixels, width=pixels, **config)
        return SeedBatch(
            Prompt(text, category), settings, tuple(seeds), images, known, torch.full_like(known, math.nan)
        )

    return build


@pytest.fixture
def score_of() -> Callable[..., Score]:
    def build(
        metric: str, values: torch.Tensor, level: str = "image", version: str = "1", mean: float | None = None
    ) -> Score:
        mean = float(values.double().mean()) if mean is None else mean
        return Score(metric, version, "alignment", level, values, mean, mean - 1, mean + 1)

    return build


@pytest.fixture
def worker() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a Python process that runs a program over ``WORKER``; whatever still runs at the end is killed."""
    started = []

    def start(program: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WORKER + program, *map(str, arguments)]
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
