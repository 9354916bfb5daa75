"""Loading, decoding and predicting, for every family, from folders and from the Hub's cache."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import torch

from t2ialign.diffusion import backbone as module
from t2ialign.diffusion.backbone import load_backbone, set_channels_last
from t2ialign.model_families import FAMILIES
from t2ialign.registry import BackboneEntry
from t2ialign.types import InputError
from tests.hubs import put, use_cache
from tests.tiny import SHAPES, SIDE, save_tiny, stock_pipeline, tiny_entry
from tests.tiny_flow import flow_entry

every = pytest.mark.parametrize("shape", SHAPES)


def random_latents(n: int = 2, side: int = SIDE // 8) -> torch.Tensor:
    return torch.randn(n, 4, side, side, generator=torch.Generator().manual_seed(0))


@every
def test_what_it_is(shape, backbones):
    backbone = backbones[shape]
    assert backbone.prediction == ("v_prediction" if shape == "sd-2.1-v" else "epsilon")
    assert backbone.pixels_per_latent == 8
    assert backbone.latent_shape(SIDE, 2 * SIDE) == (4, 4, 8)
    assert len(backbone.text.encoders) == (2 if shape == "sdxl" else 1)
    networks = (backbone.unet, backbone.vae, *backbone.text.encoders)
    assert not any(parameter.requires_grad for network in networks for parameter in network.parameters())
    assert not any(network.training for network in networks)
    assert len(backbone.revision) == 16


def stock_pictures(pipeline: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents of a short run of a stock pipeline, and the pictures that it makes of them."""
    run = {"num_inference_steps": 2, "height": SIDE, "width": SIDE}
    latents, pictures = (
        pipeline("a star", generator=torch.Generator().manual_seed(3), output_type=kind, **run).images
        for kind in ("latent", "np")
    )
    return latents, torch.from_numpy((pictures * 255).round().astype("uint8")).movedim(-1, 1)


@every
def test_decode_equals_stock_diffusers(shape, folders, backbones):
    latents, pictures = stock_pictures(stock_pipeline(folders[shape], shape))
    assert torch.equal(backbones[shape].decode(latents), pictures)


@pytest.mark.slow
def test_decode_equals_stock_diffusers_with_latent_statistics(folders, fresh):
    pipeline, backbone = stock_pipeline(folders["sdxl"], "sdxl"), fresh("sdxl")
    for vae in (pipeline.vae, backbone.vae):
        vae.register_to_config(latents_mean=[0.5, 0.0, -0.5, 1.0], latents_std=[2.0, 1.0, 0.5, 1.0])
    latents, pictures = stock_pictures(pipeline)
    assert torch.equal(backbone.decode(latents), pictures)


@every
def test_predictions_do_not_need_square_pictures(shape, backbones):
    backbone = backbones[shape]
    latents = torch.randn(1, 4, 4, 6, generator=torch.Generator().manual_seed(0))
    assert backbone.predict_noise(latents, 500, backbone.encode_prompts(["a star"])).shape == latents.shape


@every
def test_one_timestep_each_or_one_for_all(shape, backbones):
    backbone, latents = backbones[shape], random_latents()
    embeds = backbone.encode_prompts(["a star", "a ring"])
    for_all = backbone.predict_noise(latents, 500, embeds)
    assert torch.equal(backbone.predict_noise(latents, torch.tensor([500, 500]), embeds), for_all)
    mixed = backbone.predict_noise(latents, torch.tensor([500, 20]), embeds)
    torch.testing.assert_close(mixed[:1], for_all[:1])
    assert not torch.allclose(mixed[1:], for_all[1:])


def test_gradients_flow_to_the_latents(backbones):
    latents = random_latents().requires_grad_()
    backbones["sd-1.5"].predict_noise(
        latents, 10, backbones["sd-1.5"].encode_prompts(["a star"]).repeat(2)
    ).sum().backward()
    assert latents.grad.abs().sum() > 0


def test_sdxl_reads_its_second_condition(backbones):
    backbone, latents = backbones["sdxl"], random_latents()
    embeds = backbone.encode_prompts(["a star"]).repeat(2)
    other = dataclasses.replace(embeds, pooled_prompt_embeds=embeds.pooled_prompt_embeds + 1)
    assert not torch.allclose(backbone.predict_noise(latents, 10, embeds), backbone.predict_noise(latents, 10, other))


@every
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(shape, dtype, fresh, backbones):
    """Networks in half, latents and predictions in float32, the VAE in float32 where half would show."""
    half, exact = fresh(shape, dtype), backbones[shape]
    assert half.unet.dtype == half.text.encoders[-1].dtype == getattr(torch, dtype)
    keeps_half = dtype == "float16" and shape != "sdxl"
    assert half.vae.dtype == (torch.float16 if keeps_half else torch.float32)
    prompts, latents = ["a star", ""], random_latents()
    predictions = [one.predict_noise(latents, 500, one.encode_prompts(prompts)) for one in (half, exact)]
    assert predictions[0].dtype == torch.float32
    torch.testing.assert_close(*predictions, atol=0.1, rtol=0.1)
    gap = half.decode(latents).int() - exact.decode(latents).int()
    assert gap.abs().max() <= (2 if keeps_half else 0)


def test_encode_inverts_scale_and_statistics(fresh):
    """Whatever the VAE's statistics say, decode(encode(x)) is the same picture."""
    backbone = fresh("sdxl")
    images = torch.randint(0, 256, (2, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    plain = backbone.encode(images)
    pixels = images.float() / 127.5 - 1
    torch.testing.assert_close(plain, backbone.vae.encode(pixels).latent_dist.mean * backbone.vae.config.scaling_factor)
    decoded = backbone.decode(plain)
    backbone.vae.register_to_config(latents_mean=[0.5, 0.0, -0.5, 1.0], latents_std=[2.0, 1.0, 0.5, 1.0])
    shifted = backbone.encode(images)
    scale = backbone.vae.config.scaling_factor
    torch.testing.assert_close(shifted[:, 0], (plain[:, 0] / scale - 0.5) / 2 * scale)
    assert (backbone.decode(shifted).int() - decoded.int()).abs().max() <= 1
    backbone.vae.register_to_config(latents_mean=None, latents_std=None, shift_factor=0.25)
    torch.testing.assert_close(backbone.encode(images), (plain / scale - 0.25) * scale)
    assert (backbone.decode(backbone.encode(images)).int() - decoded.int()).abs().max() <= 1


def test_sharded_weights(tmp_path: Path, folders, backbones):
    """Large weights in several small files load as one."""
    folder = shutil.copytree(folders["sd-1.5"], tmp_path / "sharded")
    shutil.rmtree(folder / "unet")
    backbones["sd-1.5"].unet.save_pretrained(folder / "unet", max_shard_size="50KB")
    assert len(list((folder / "unet").glob("*.safetensors"))) > 1
    loaded = load_backbone(tiny_entry(folder), "cpu", "float32")
    expected = backbones["sd-1.5"].unet.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.unet.state_dict().items())


def test_loading_says_nothing(folders, capfd):
    load_backbone(tiny_entry(folders["sd-1.5"]), "cpu", "float16")
    assert "it/s" not in capfd.readouterr().err


def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Path) -> BackboneEntry:
    """A Hub cache with one repository in it, laid out as the library does."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    put(use_cache(tmp_path, monkeypatch), "org/tiny", source, commit)
    return BackboneEntry("tiny", "sd", "org/tiny", hub_revision=commit, size=SIDE)


def test_hub_backbone_from_the_cache_without_a_network(tmp_path, monkeypatch, folders, backbones):
    entry = hub_cache(tmp_path, monkeypatch, folders["sd-1.5"])
    backbone = load_backbone(entry, "cpu", "float32")
    assert backbone.revision == "0123456789abcdef"
    latents = random_latents()
    predictions = [
        one.predict_noise(latents, 9, one.encode_prompts(["a", "b"])) for one in (backbone, backbones["sd-1.5"])
    ]
    assert torch.equal(*predictions)


@pytest.mark.slow
def test_hub_backbone_in_half_precision_takes_its_variant(tmp_path, monkeypatch, folders, backbones):
    """The repository holds both precisions; whoever asks for half precision reads (and would fetch) the half files."""
    source = shutil.copytree(folders["sd-1.5"], tmp_path / "source")
    for part in ("unet", "vae"):
        network = getattr(load_backbone(tiny_entry(source), "cpu", "float16"), part)
        network.half().save_pretrained(source / part, variant="fp16")
    encoder = load_backbone(tiny_entry(source), "cpu", "float16").text.encoders[0]
    encoder.save_pretrained(source / "text_encoder", variant="fp16")
    entry = dataclasses.replace(hub_cache(tmp_path / "cache", monkeypatch, source), variant="fp16")
    exact = load_backbone(entry, "cpu", "float32")
    assert torch.equal(exact.unet.conv_in.weight, backbones["sd-1.5"].unet.conv_in.weight)
    (exact_file,) = tmp_path.rglob("cache/**/unet/diffusion_pytorch_model.safetensors")
    exact_file.unlink()
    half = load_backbone(entry, "cpu", "float16")
    assert torch.equal(half.unet.conv_in.weight, backbones["sd-1.5"].unet.conv_in.weight.half())


def test_hub_backbone_that_is_nowhere(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        InputError, match=r"cannot reach the Hub \(HF_HUB_OFFLINE is set\): connect once to fetch org/none"
    ) as refusal:
        load_backbone(BackboneEntry("none", "sdxl", "org/none", variant="fp16"), "cpu", "float16")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("shape", "said"), [("sdxl", "sd"), ("sd-1.5", "sdxl")])
def test_a_folder_of_another_family_is_refused(shape, said, folders):
    """Stock classes load each other's folders as far as they can, and draw something."""
    entry = BackboneEntry("odd", said, folders[shape], size=SIDE)
    with pytest.raises(InputError, match=f"its entry of the registry says family '{said}': write"):
        load_backbone(entry, "cpu", "float32")


def test_a_repository_that_lacks_what_is_wanted_is_no_missing_network(monkeypatch, tmp_path):
    class Shut:
        @staticmethod
        def download(*_: object, **__: object) -> None:
            raise ValueError("no file of the variant bf16\nmore")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "stock_pipeline", lambda _: Shut)
    monkeypatch.setattr(module, "why_offline", str)
    with pytest.raises(
        InputError, match=r"did not come from the Hub \(no file of the variant bf16\): ask again to fetch"
    ):
        module.download(BackboneEntry("none", "sd", "org/none"), "bf16")


def test_hub_refuses(monkeypatch):
    class Shut:
        @staticmethod
        def download(*_: object, **__: object) -> None:
            raise module.GatedRepoError(
                "401", response=httpx.Response(401, request=httpx.Request("GET", "https://hub"))
            )

    monkeypatch.setattr(module, "stock_pipeline", lambda _: Shut)
    with pytest.raises(InputError, match="accept its licence and log in"):
        load_backbone(BackboneEntry("shut", "sd", "org/shut"), "cpu", "float32")


def test_missing_folder(tmp_path: Path):
    with pytest.raises(InputError, match="The backbone tiny is not in"):
        load_backbone(tiny_entry(tmp_path / "missing"), "cpu", "float32")


@pytest.mark.parametrize("damage", ["truncated", "missing part", "pickle", "no config", "foreign config"])
def test_damaged_folders(damage: str, tmp_path: Path):
    folder = save_tiny(tmp_path / "damaged")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif damage == "missing part":
        shutil.rmtree(folder / "vae")
    elif damage == "pickle":
        torch.save({"w": torch.zeros(3)}, folder / "unet" / "diffusion_pytorch_model.bin")
        weights.unlink()
    elif damage == "no config":
        (folder / "unet" / "config.json").unlink()
    else:
        (folder / "unet" / "config.json").write_text('{"_class_name": "UNet2DConditionModel", "in_channels": 9}')
    with pytest.raises(InputError, match="cannot be loaded .*: restore that folder") as refusal:
        load_backbone(tiny_entry(folder), "cpu", "float32")
    assert "\n" not in str(refusal.value)


def test_other_predictions_and_precisions(tmp_path: Path, folders):
    with pytest.raises(InputError, match="did you mean 'float32'"):
        load_backbone(tiny_entry(folders["sd-1.5"]), "cpu", "float23")
    folder = shutil.copytree(folders["sd-1.5"], tmp_path / "other")
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace('"epsilon"', '"sample"'))
    with pytest.raises(InputError, match="predicts 'sample'"):
        load_backbone(tiny_entry(folder), "cpu", "float32")


def test_a_variant_in_parts_is_fetched_alone() -> None:
    """As Sana's text encoder lies on the Hub."""
    parts = [f"text_encoder/model{kind}-0000{part}-of-00002.safetensors" for kind in ("", ".bf16") for part in (1, 2)]
    listing = SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in parts])
    family = FAMILIES["sana"]
    assert [name for name in parts if module._wanted(name, family, listing, "bf16")] == parts[2:]
    assert [name for name in parts if module._wanted(name, family, listing, None)] == parts[:2]


def test_on_cuda_convolutions_of_a_unet_and_its_vae_have_their_channels_last(
    folders, flow_folders, monkeypatch
) -> None:
    def last(network: torch.nn.Module) -> set[bool]:
        kernels = [weight for weight in network.parameters() if weight.dim() == 4 and min(weight.shape) > 1]
        return {weight.is_contiguous(memory_format=torch.channels_last) for weight in kernels}

    on_cpu = load_backbone(tiny_entry(folders["sd-1.5"]), "cpu", "float32")
    monkeypatch.setattr(module, "place", lambda _: None)  # there need be no such device
    on_cuda = load_backbone(tiny_entry(folders["sd-1.5"]), "cuda", "float32")
    flow = load_backbone(flow_entry(flow_folders["sd-3"], "sd-3"), "cuda", "float32")
    assert [last(one.unet) | last(one.vae) for one in (on_cpu, on_cuda)] == [{False}, {True}] and last(flow.vae) == {
        False
    }
    latents = torch.randn((2, 4, 4, 4), generator=torch.Generator().manual_seed(1))
    embeds = on_cpu.encode_prompts(["a star"]).repeat(2)
    assert (on_cuda.predict_noise(latents, 9, embeds) - on_cpu.predict_noise(latents, 9, embeds)).abs().max() < 1e-5
    set_channels_last(on_cuda, False)
    assert last(on_cuda.unet) == {False}
    assert torch.equal(on_cuda.predict_noise(latents, 9, embeds), on_cpu.predict_noise(latents, 9, embeds))
