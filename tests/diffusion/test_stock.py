"""The shipped base through stock diffusers, with no line of ours, and through our loop: the same pictures, bit for bit."""

from __future__ import annotations

import pytest
import torch

from t2ialign.content import sha_of
from t2ialign.diffusion.backbone import load_backbone
from t2ialign.diffusion.generate import generate
from t2ialign.diffusion.stock import stock_pictures
from t2ialign.registry import load_registry
from t2ialign.types import GenerationConfig, Prompt, SeedBatch

SEEDS = (3, 11, 0, 2_000_000)


@pytest.mark.slow
@pytest.mark.parametrize(("guidance_scale", "steps"), [(4.0, 6), (1.5, 5)])
def test_stock_diffusers_makes_the_same_pictures(guidance_scale: float, steps: int) -> None:
    entry = load_registry().backbones["shapes"]
    prompt = Prompt("a big red circle to the left of a small dotted square")
    config = GenerationConfig(
        "shapes", sha_of(entry.source), guidance_scale=guidance_scale, num_inference_steps=steps, height=64, width=64
    )
    events = generate(load_backbone(entry, "cpu", "float32"), prompt, config, SEEDS, batch_size=len(SEEDS))
    (ours,) = [event for event in events if isinstance(event, SeedBatch)]
    stock = stock_pictures(entry.source, prompt.text, SEEDS, guidance_scale, steps)
    assert torch.equal(ours.images, stock)


def test_every_shipped_file_fits_plain_git() -> None:
    """The Hub refuses files over 10 MB in plain git, and only safetensors may ship."""
    entry = load_registry().backbones["shapes"]
    files = [path for path in entry.source.parent.rglob("*") if path.is_file()]
    assert all(path.stat().st_size < 10_000_000 for path in files)
    assert not [path for path in files if path.suffix in (".bin", ".pt", ".pth", ".ckpt", ".pkl")]
