"""Compiling, taking turns on a device, TAESD and the choice of a device: pictures stay what they are, and it is said."""

from __future__ import annotations

import json
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

from t2ialign import settings
from t2ialign.diffusion import compiling
from t2ialign.diffusion import preview as previewing
from t2ialign.diffusion.compiling import WARMING, check_mode, compile_network, warming
from t2ialign.diffusion.generate import generate
from t2ialign.diffusion.memory import out_of_memory
from t2ialign.diffusion.offload import offload, take_turns
from t2ialign.diffusion.preview import preview, tiny_decoder
from t2ialign.model_families import FAMILIES
from t2ialign.types import GenerationConfig, InputError, Prompt, SeedBatch
from tests.hubs import FIRST, put, use_cache
from tests.tiny import SIDE

CONFIG = GenerationConfig("tiny", num_inference_steps=2, height=SIDE, width=SIDE)


def pictures(backbone) -> torch.Tensor:
    events = generate(backbone, Prompt("a red star"), CONFIG, (3, 5))
    return torch.cat([one.images for one in events if isinstance(one, SeedBatch)])


@pytest.mark.slow
def test_a_compiled_network_draws_the_same_and_says_that_it_warms_up(fresh) -> None:
    backbone = fresh()
    before = pictures(backbone)
    assert warming(backbone.unet, 2, SIDE, SIDE) == ""  # not compiled
    compile_network(backbone.unet, "default", "eager")  # what inductor makes quicker differs in the last places at most
    assert warming(backbone.unet, 2, SIDE, SIDE) == WARMING and warming(backbone.unet, 2, SIDE, SIDE) == ""
    assert warming(backbone.unet, 1, SIDE, SIDE) == WARMING
    assert torch.equal(pictures(backbone), before)


@pytest.mark.slow
def test_what_a_graph_returns_is_copied_before_the_next_call(monkeypatch) -> None:
    network, memory = torch.nn.Linear(1, 1), torch.zeros(1)
    monkeypatch.setattr(torch, "compile", lambda forward, **_: lambda x: (memory.copy_(x),))
    compile_network(network, "reduce-overhead")
    first, second = network.forward(torch.ones(1)), network.forward(torch.full((1,), 2.0))
    assert (first[0].item(), second[0].item()) == (1.0, 2.0)


def test_unknown_modes_are_refused(monkeypatch) -> None:
    monkeypatch.setenv("T2IALIGN_COMPILE", "fast")
    with pytest.raises(InputError, match="T2IALIGN_COMPILE is 'fast': use one of default, reduce-overhead"):
        check_mode(settings.compile_mode())
    monkeypatch.delenv("T2IALIGN_COMPILE")
    network = torch.nn.Linear(1, 1)
    compile_network(network, settings.compile_mode())
    assert "forward" not in vars(network) and network not in compiling._met


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_networks_take_turns_and_the_pictures_are_the_same(fresh) -> None:
    backbone = fresh()
    before = pictures(backbone)
    assert not offload(backbone)  # on a CPU there is nowhere else to be
    take_turns(backbone)
    assert torch.equal(pictures(backbone), before)


def tiny_vae(folder: Path, channels: int = 4) -> Path:
    torch.manual_seed(0)
    AutoencoderTiny(
        encoder_block_out_channels=(4, 4, 4, 4),
        decoder_block_out_channels=(4, 4, 4, 4),
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
        latent_channels=channels,
    ).save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_previews_are_taesd_s_where_it_is_on_disk(fresh, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(previewing, "CHEAP_PARAMETERS", 0)
    cache = use_cache(tmp_path / "cache", monkeypatch)
    latents = torch.randn((2, 4, 8, 8), generator=torch.Generator().manual_seed(1))
    assert tiny_decoder(fresh()) is None and preview(fresh(), latents).shape == (2, 3, 8, 8)
    put(cache, "madebyollin/taesd", tiny_vae(tmp_path / "taesd"), FIRST)
    shown = preview(fresh(), latents)
    stock = AutoencoderTiny.from_pretrained(tmp_path / "taesd").decode(latents).sample
    assert torch.equal(shown, ((stock / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8))
    assert shown.shape == (2, 3, 64, 64)


@pytest.mark.slow
def test_a_tiny_decoder_of_other_latents_is_left_alone(fresh, tmp_path: Path, monkeypatch) -> None:
    cache = use_cache(tmp_path / "cache", monkeypatch)
    put(cache, "madebyollin/taesd", tiny_vae(tmp_path / "taesd", 16), FIRST)
    assert tiny_decoder(fresh()) is None
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "config.json").write_text(json.dumps({"_class_name": "AutoencoderTiny"}))
    (odd / "diffusion_pytorch_model.safetensors").write_bytes(b"cut")
    put(cache, "madebyollin/taesd", odd, "3" * 40)
    assert tiny_decoder(fresh()) is None


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "name"), [("sd-3", "taesd3"), ("flux-dev", "taef1")])
def test_flow_models_have_tiny_decoders_of_their_own(shape, name, flows, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(previewing, "CHEAP_PARAMETERS", 0)
    monkeypatch.setattr(previewing, "_TINY", WeakKeyDictionary())
    cache, backbone = use_cache(tmp_path / "cache", monkeypatch), flows[shape]
    for other in previewing.TINY:
        put(cache, f"madebyollin/{other}", tiny_vae(tmp_path / other, 16 if other == name else 5), FIRST)
    latents = torch.randn((1, 16, 8, 8), generator=torch.Generator().manual_seed(1))
    assert tiny_decoder(backbone) is not None and preview(backbone, latents).shape == (1, 3, 64, 64)
    served = [family for families in previewing.TINY.values() for family in families]
    assert sorted(served) == sorted({*FAMILIES} - {"flux2", "flux2-klein", "qwenimage", "sana"})


def test_apples_gpu_is_used_where_it_is(monkeypatch) -> None:
    monkeypatch.delenv("T2IALIGN_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for there, wanted in ((True, "mps"), (False, "cpu")):
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda there=there: there)
        settings.device.cache_clear()
        assert settings.device()[0] == wanted
    settings.device.cache_clear()
    assert settings.dtype_for("mps")[0] == "float32"
    assert out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"))
