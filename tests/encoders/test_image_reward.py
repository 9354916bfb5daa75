from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import BertTokenizer, BlipTextConfig, BlipTextModel, BlipVisionConfig, BlipVisionModel

from t2ialign.encoders import image_reward
from t2ialign.encoders.preprocess import CLIP_224, preprocess
from t2ialign.types import InputError, Prompt
from tests.encoders.bert import save_tokenizer
from tests.encoders.pictures import pictures
from tests.encoders.slopes import check_features
from tests.encoders.test_reward_head import published_head

MED = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
    "vocab_size": 40,
}
# transformers' names to those of BLIP's own code, written out by hand
TO_BLIP = {
    "embeddings.class_embedding": "cls_token",
    "embeddings.position_embedding": "pos_embed",
    "embeddings.patch_embedding": "patch_embed.proj",
    "post_layernorm": "norm",
    "encoder.layers": "blocks",
    "layer_norm1": "norm1",
    "layer_norm2": "norm2",
    "self_attn.qkv": "attn.qkv",
    "self_attn.projection": "attn.proj",
}


def original_name(name: str) -> str:
    for ours, theirs in TO_BLIP.items():
        name = name.replace(ours, theirs)
    return name


@pytest.fixture(scope="module")
def modules() -> tuple[BlipVisionModel, BlipTextModel, torch.nn.Sequential]:
    torch.manual_seed(0)
    vision = BlipVisionModel(
        BlipVisionConfig(
            hidden_size=128,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=32,
            patch_size=8,
            layer_norm_eps=1e-6,
        )
    )
    for weight in vision.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    text = {name: value for name, value in MED.items() if name not in ("architectures", "model_type")}
    reader = BlipTextModel(BlipTextConfig(**text, encoder_hidden_size=128, is_decoder=True), add_pooling_layer=False)
    return vision.eval(), reader.eval(), published_head(32).eval()


@pytest.fixture(scope="module")
def folder(modules, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published layout: a pickle of tensors under ``blip.`` and ``mlp.``, and BERT's configuration."""
    path = tmp_path_factory.mktemp("image_reward")
    vision, text, head = modules
    state: dict[str, Tensor] = {f"blip.visual_encoder.{original_name(k)}": v for k, v in vision.state_dict().items()}
    state |= {f"blip.text_encoder.{k}": v for k, v in text.state_dict().items()}
    state |= {
        "blip.text_encoder.embeddings.position_ids": torch.arange(64)[None],
        "blip.vision_proj.weight": torch.ones(1),
    }
    state |= {f"mlp.layers.{k}": v for k, v in head.state_dict().items()}
    torch.save(state, path / image_reward.WEIGHTS)
    save_tokenizer(path)
    (path / image_reward.CONFIG).write_text(json.dumps(MED))
    return path


def test_names_are_blips_own(folder: Path):
    names = set(torch.load(folder / image_reward.WEIGHTS, weights_only=True))
    assert "blip.visual_encoder.blocks.1.attn.qkv.weight" in names
    assert "blip.visual_encoder.patch_embed.proj.bias" in names
    assert "blip.text_encoder.encoder.layer.0.crossattention.self.key.weight" in names


def test_equals_the_published_recipe(folder: Path, modules):
    vision, text, head = modules
    images, prompt = pictures(3, 48, 40), "a red circle to the left of a blue square"
    found = image_reward.load(folder, "cpu").encode(images, Prompt(prompt))["image_reward"]
    tokenizer = BertTokenizer.from_pretrained(folder)
    tokens = tokenizer(prompt, padding="max_length", truncation=True, max_length=35, return_tensors="pt")
    expected = []
    with torch.no_grad():
        for pixels in preprocess(images, {**CLIP_224, "size": 32}):
            seen = vision(pixel_values=pixels[None]).last_hidden_state
            states = text(
                input_ids=tokens.input_ids,
                attention_mask=tokens.attention_mask,
                encoder_hidden_states=seen,
                encoder_attention_mask=torch.ones(1, seen.shape[1], dtype=torch.long),
            ).last_hidden_state
            expected.append((head(states[:, 0]).item() - 0.16717362830052426) / 1.0333394966054072)
    assert found.tolist() == pytest.approx(expected, rel=1e-4)
    assert len(set(expected)) == 3


def test_the_prompt_matters_and_is_cut(folder: Path):
    encoder = image_reward.load(folder, "cpu")
    rewards = [
        encoder.encode(pictures(1), Prompt(text))["image_reward"].item() for text in ("a red circle", "a blue square")
    ]
    assert rewards[0] != rewards[1]
    long = [encoder.encode(pictures(1), Prompt("a red circle " * k))["image_reward"].item() for k in (20, 40)]
    assert long[0] == long[1]


def test_bad_files_are_one_sentence(folder: Path, tmp_path: Path):
    (tmp_path / image_reward.CONFIG).write_text(json.dumps(MED))
    state = torch.load(folder / image_reward.WEIGHTS, weights_only=True)
    state.pop("blip.text_encoder.encoder.layer.0.crossattention.self.key.weight")
    torch.save(state, tmp_path / image_reward.WEIGHTS)
    with pytest.raises(InputError, match="is not ImageReward's checkpoint"):
        image_reward.load(tmp_path, "cpu", tokenizer=folder).encode(pictures(1), Prompt("a"))
    with pytest.raises(InputError, match=r"ImageReward\.pt of zai-org/ImageReward are not on this machine"):
        image_reward.load("zai-org/ImageReward@abc", "cpu")


@pytest.mark.slow
def test_its_reward_has_a_slope(folder: Path):
    check_features(image_reward.load(folder, "cpu"), pictures(2, 40, 48), 32)
