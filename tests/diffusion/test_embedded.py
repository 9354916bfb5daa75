"""The shipped base through the loop: whatever the batch, and with its own small VAE for previews."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from t2ialign.diffusion.backbone import Backbone, load_backbone
from t2ialign.diffusion.generate import generate
from t2ialign.registry import resolve
from t2ialign.types import GenerationConfig, Prompt, SeedBatch

PROMPT, SEEDS = "a red circle to the left of a blue square", (11, 3, 5, 8, 2)
CONFIG = GenerationConfig("shapes", num_inference_steps=5)


@pytest.fixture(scope="module")
def base() -> Backbone:
    return load_backbone(resolve("base")[0], "cpu", "float32")


def pictures(base: Backbone, seeds=SEEDS, batch_size=5, config=CONFIG) -> SeedBatch:
    events = generate(base, Prompt(PROMPT), config, seeds, batch_size, preview_every=0)
    parts = [event for event in events if isinstance(event, SeedBatch)]
    return dataclasses.replace(parts[0], seeds=seeds, images=torch.cat([part.images for part in parts]))


@pytest.mark.slow
def test_a_seed_does_not_depend_on_its_batch(base):
    whole = pictures(base).images.int()
    for batch_size, seeds in ((1, SEEDS), (3, SEEDS[::-1])):
        images = pictures(base, seeds, batch_size).images.int()
        assert (images - whole[[SEEDS.index(seed) for seed in seeds]]).abs().max() <= 1


def test_previews_come_from_its_own_small_vae(base):
    event = next(iter(generate(base, Prompt(PROMPT), CONFIG, SEEDS, preview_every=1)))
    assert event.previews[11].shape == (3, 64, 64)
