from __future__ import annotations

from pathlib import Path

import peft
import pytest
import torch
from torch import nn
from transformers import ViTConfig, ViTModel

from t2ialign.encoders import dreamsim
from t2ialign.encoders.preprocess import DINO_224, preprocess
from t2ialign.types import InputError, Prompt
from tests.encoders.pictures import pictures

WIDTH, DEPTH = 16, 2


def fused() -> nn.Module:
    """The part of DINO's own code that DreamSim adapts: blocks whose attention has one layer for q, k and v."""
    blocks = [nn.ModuleDict({"attn": nn.ModuleDict({"qkv": nn.Linear(WIDTH, 3 * WIDTH)})}) for _ in range(DEPTH)]
    extractor = nn.ModuleDict({"model": nn.ModuleDict({"blocks": nn.ModuleList(blocks)})})
    return nn.ModuleDict({"extractor_list": nn.ModuleList([extractor])})


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, nn.Module]:
    """A tiny random DINO and an adapter that peft itself saved; also the fused layers with the adapter merged by peft."""
    path = tmp_path_factory.mktemp("dreamsim")
    torch.manual_seed(0)
    sizes = {"hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": DEPTH, "num_attention_heads": 2}
    base = ViTModel(ViTConfig(**sizes, image_size=32, patch_size=8), add_pooling_layer=False)
    base.save_pretrained(path / "base")
    plain = fused()
    for block, layer in zip(plain["extractor_list"][0]["model"]["blocks"], layers_of(base), strict=True):
        block["attn"]["qkv"].weight.data = torch.cat([part.weight.data for part in layer])
    config = peft.LoraConfig(r=4, lora_alpha=2, target_modules=["qkv"], init_lora_weights=False)
    adapted = peft.get_peft_model(plain, config)
    adapted.save_pretrained(path / dreamsim.ADAPTER)
    return path / "base", path / dreamsim.ADAPTER, adapted.merge_and_unload()


def layers_of(model: nn.Module) -> list[list[nn.Linear]]:
    named = dict(model.named_modules())
    return [[dreamsim._projection(named, number, part) for part in "qkv"] for number in range(DEPTH)]


def test_merging_equals_pefts(folders: tuple[Path, Path, nn.Module]):
    base, adapter, merged = folders
    model = dreamsim.load(adapter, "cpu", base).model
    for block, layer in zip(merged["extractor_list"][0]["model"]["blocks"], layers_of(model), strict=True):
        torch.testing.assert_close(torch.cat([part.weight for part in layer]), block["attn"]["qkv"].weight.data)
    assert not torch.equal(layers_of(model)[0][0].weight, layers_of(ViTModel.from_pretrained(base))[0][0].weight)


def test_embedding_is_the_centred_class_token_before_the_norm(folders: tuple[Path, Path, nn.Module]):
    base, adapter, _ = folders
    encoder = dreamsim.load(adapter, "cpu", base)
    images = pictures(3)
    found = encoder.encode(images, Prompt("a"))["dreamsim"]
    caught: list[torch.Tensor] = []
    handle = encoder.model.layernorm.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    with torch.no_grad():
        encoder.model(pixel_values=preprocess(images, {**DINO_224, "size": 32}))
    handle.remove()
    token = caught[0][:, 0] - caught[0][:, 0].mean(1, keepdim=True)
    torch.testing.assert_close(found, token / token.norm(dim=1, keepdim=True))


def test_bad_sources_are_one_sentence(folders: tuple[Path, Path, nn.Module], tmp_path: Path, monkeypatch):
    base, adapter, _ = folders
    with pytest.raises(InputError, match="neither a folder nor 'dreamsim'"):
        dreamsim.load("nowhere", "cpu", base)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(InputError, match="The weights dino_vitb16_single_lora are not on this machine"):
        dreamsim.load("dreamsim", "cpu", base)
    with pytest.raises(InputError, match=r"has no adapter_model\.safetensors"):
        dreamsim.load(tmp_path, "cpu", base)
