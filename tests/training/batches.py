"""Seed batches of random pixels."""

from __future__ import annotations

import torch

from t2ialign.types import GenerationConfig, Prompt, SeedBatch


def seed_batch(count: int, size: int = 16, prompt: str = "a red circle") -> SeedBatch:
    draw = torch.Generator().manual_seed(count)
    images = torch.randint(0, 256, (count, 3, size, size), generator=draw).byte()
    config = GenerationConfig("tiny", height=size, width=size)
    known = torch.arange(count).float()
    return SeedBatch(Prompt(prompt), config, tuple(range(count)), images, known, known)
