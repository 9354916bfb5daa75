"""What a GPU changes and what it must not: half precision, compiling with CUDA graphs, and networks that take turns.

Skipped without a CUDA device. The models are tiny and random, so numbers are near each other and not equal.
"""

from __future__ import annotations

import pytest
import torch

from t2ialign.diffusion.backbone import Backbone, load_backbone
from t2ialign.diffusion.compiling import WARMING, compile_network, warming
from t2ialign.diffusion.denoise import denoise
from t2ialign.diffusion.generate import SamplingProgress, generate
from t2ialign.diffusion.offload import offload
from t2ialign.guidance import begin_guidance
from t2ialign.guidance.cfg import Cfg
from t2ialign.types import GenerationConfig, Prompt, SeedBatch
from tests.tiny import SHAPES, SIDE, load_tiny, tiny_entry
from tests.tiny_flow import FLOW_SHAPES, flow_entry, load_tiny_flow

pytestmark = pytest.mark.gpu
PROMPT, SEEDS, STEPS = "a red circle above a blue star", (3, 5), 4


def on_gpu(folder, shape, dtype="float32") -> Backbone:
    entry = flow_entry(folder, shape) if shape in FLOW_SHAPES else tiny_entry(folder, shape)
    return load_backbone(entry, "cuda", dtype)


def latents(backbone: Backbone, guidance=None, scheduler="ddim") -> torch.Tensor:
    embeds = [backbone.encode_prompts([text]) for text in (PROMPT, "")]
    *_, last = denoise(backbone, *embeds, SEEDS, guidance or Cfg(1.0), scheduler, STEPS, SIDE, SIDE)
    return last.latents.cpu()


def pictures(backbone: Backbone) -> torch.Tensor:
    config = GenerationConfig("tiny", num_inference_steps=STEPS, height=SIDE, width=SIDE, dtype=backbone.dtype)
    events = generate(backbone, Prompt(PROMPT), config, SEEDS)
    return torch.cat([one.images for one in events if isinstance(one, SeedBatch)])


def off(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "near"), [("float32", 1e-2), ("float16", 0.1), ("bfloat16", 0.1)])
def test_a_seed_means_the_same_as_on_a_cpu(shape, dtype, near, folders, backbones):
    found = latents(on_gpu(folders[shape], shape, dtype))
    assert found.dtype == torch.float32 and found.isfinite().all()
    assert off(found, latents(backbones[shape])) < near


@pytest.mark.parametrize("shape", FLOW_SHAPES)
def test_flows_in_bfloat16(shape, flow_folders):
    found = latents(on_gpu(flow_folders[shape], shape, "bfloat16"))
    assert off(found, latents(load_tiny_flow(flow_folders[shape], shape))) < 0.1


@pytest.mark.parametrize("mode", ["default", "reduce-overhead"])
def test_compiled_pictures_are_the_same_but_for_the_last_places(mode, folders):
    plain, quick = (on_gpu(folders["sd-1.5"], "sd-1.5") for _ in "ab")
    compile_network(quick.unet, mode)
    assert warming(quick.unet, 2, SIDE, SIDE) == WARMING
    expected = pictures(plain).int()
    for _ in range(2):  # the second time a graph is replayed
        assert (pictures(quick).int() - expected).abs().max() <= 2


@pytest.mark.parametrize("name", ["attend_excite", "structured", "s_cfg"])
def test_strategies_that_look_into_the_network(name, folders):
    params = {"token1": 3.0, "refinements": 0.0} if name == "attend_excite" else {}
    strategy = begin_guidance(name, 5.0, params.items())
    found = latents(on_gpu(folders["sd-1.5"], "sd-1.5"), strategy)
    assert off(found, latents(load_tiny(folders["sd-1.5"]), strategy)) < 0.05


def test_networks_that_take_turns_draw_the_same_with_less_memory(folders):
    backbone = on_gpu(folders["sd-1.5"], "sd-1.5")
    expected = pictures(backbone)
    assert offload(backbone) and not offload(backbone)
    torch.cuda.empty_cache()
    held = torch.cuda.memory_allocated()
    found = pictures(backbone)
    assert (found.int() - expected.int()).abs().max() <= 1
    assert held < sum(p.numel() * p.element_size() for p in backbone.unet.parameters()) + 2**20


def test_a_picture_that_has_no_room_makes_the_batch_smaller_and_says_so(folders, monkeypatch):
    backbone = on_gpu(folders["sd-1.5"], "sd-1.5")
    forward = backbone.unet.forward

    def limited(rows, *args, **kwargs):
        if len(rows) > 4:
            torch.empty(2**50, device="cuda")  # what CUDA itself raises
        return forward(rows, *args, **kwargs)

    monkeypatch.setattr(backbone.unet, "forward", limited)
    config = GenerationConfig("tiny", num_inference_steps=2, height=SIDE, width=SIDE)
    events = list(generate(backbone, Prompt(PROMPT), config, tuple(range(8))))
    steps = [one for one in events if isinstance(one, SamplingProgress)]
    assert sum(len(one.seeds) for one in events if isinstance(one, SeedBatch)) == 8 and steps[-1].memory
