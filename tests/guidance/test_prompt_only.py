"""The prompt alone: half the evaluations, the pictures of CFG 1, no information, and a cell of its own."""

from __future__ import annotations

import pytest
import torch

from t2ialign.diffusion.generate import generate
from t2ialign.diffusion.inputs import check_config
from t2ialign.guidance.prompt_only import PromptOnly
from t2ialign.types import GenerationConfig, InputError, Prompt, SeedBatch
from tests.guidance.predictions import predictions
from tests.tiny import SIDE, load_tiny, save_tiny

CONFIG = GenerationConfig("tiny", guidance_scale=1.0, num_inference_steps=3, height=SIDE, width=SIDE)
ALONE = GenerationConfig(
    "tiny", guidance="prompt_only", guidance_scale=1.0, num_inference_steps=3, height=SIDE, width=SIDE
)


def test_by_hand():
    cond, uncond = predictions()
    assert torch.equal(PromptOnly()(cond, uncond, 0.5), cond) and torch.equal(PromptOnly().alone(cond), cond)


@pytest.mark.slow
def test_pictures_are_those_of_cfg_one_at_half_the_cost(tmp_path, monkeypatch):
    backbone = load_tiny(save_tiny(tmp_path, "sd-1.5"), "sd-1.5")
    seen, forward = [], backbone.unet.forward
    monkeypatch.setattr(backbone.unet, "forward", lambda x, *a, **k: (seen.append(len(x)), forward(x, *a, **k))[1])
    whole, alone = (
        next(one for one in generate(backbone, Prompt("a red star"), config, (3, 5)) if isinstance(one, SeedBatch))
        for config in (CONFIG, ALONE)
    )
    assert seen == [4, 4, 4, 2, 2, 2]
    assert (whole.images.int() - alone.images.int()).abs().max() <= 1
    assert not whole.mutual_information.isnan().any() and alone.mutual_information.isnan().all()
    assert alone.mutual_information_map is None and CONFIG.key != ALONE.key


def test_another_scale_is_refused():
    with pytest.raises(InputError, match="is no guidance, so its CFG is 1, not 4"):
        check_config(GenerationConfig("tiny", guidance="prompt_only", guidance_scale=4.0), 1)
