"""Tiny random flow models in the layouts of the real ones, saved to a folder: SD-3, SD-3.5, FLUX.1-dev and -schnell."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch

from t2ialign import torchvision_guard
from t2ialign.registry import BackboneEntry, CheckpointEntry

torchvision_guard.install()

from diffusers import (  # noqa: E402
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from peft import LoraConfig, get_peft_model_state_dict  # noqa: E402
from transformers import CLIPTokenizer, T5Config, T5EncoderModel, T5Tokenizer  # noqa: E402

from t2ialign.diffusion.backbone import Backbone, load_backbone  # noqa: E402
from t2ialign.shapes.tokenizer import WORDS, write_tokenizer  # noqa: E402
from tests.tiny import SIDE, WIDTH, tiny_text_encoder  # noqa: E402

FlowShape = Literal["sd-3", "sd-3.5", "flux-dev", "flux-schnell"]
FLOW_SHAPES: tuple[FlowShape, ...] = ("sd-3", "sd-3.5", "flux-dev", "flux-schnell")
JOINT = 72  # wider than two CLIPs side by side, as the real ones' are
CHANNELS = 16
PIPELINES: dict[str, Any] = {"sd3": StableDiffusion3Pipeline, "flux": FluxPipeline}


def family_of(shape: FlowShape) -> Literal["sd3", "flux"]:
    return "sd3" if shape.startswith("sd") else "flux"


def tiny_transformer(shape: FlowShape) -> Any:
    if family_of(shape) == "flux":
        return FluxTransformer2DModel(
            in_channels=4 * CHANNELS,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=JOINT,
            pooled_projection_dim=WIDTH,
            guidance_embeds=shape == "flux-dev",
            axes_dims_rope=(4, 2, 2),
        )
    return SD3Transformer2DModel(
        sample_size=SIDE // 8,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=JOINT,
        caption_projection_dim=16,
        pooled_projection_dim=2 * WIDTH,
        pos_embed_max_size=16,
        **({"dual_attention_layers": (0,), "qk_norm": "rms_norm"} if shape == "sd-3.5" else {}),
    )


def tiny_vae_16() -> AutoencoderKL:
    """Sixteen channels, and a shift, as all flow models' have."""
    return AutoencoderKL(
        block_out_channels=(8,) * 4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=CHANNELS,
        norm_num_groups=4,
        sample_size=SIDE,
        scaling_factor=1.5305,
        shift_factor=0.0609,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def tiny_t5() -> tuple[T5Tokenizer, T5EncoderModel]:
    """A T5 whose vocabulary is the embedded world's words and the alphabet."""
    words = dict.fromkeys([*WORDS, *"abcdefghijklmnopqrstuvwxyz"])
    pieces = [(f"\u2581{word}", -2.0) for word in words] + [(letter, -9.0) for letter in "abcdefghijklmnopqrstuvwxyz"]
    tokenizer = T5Tokenizer([("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -20.0), *pieces], extra_ids=0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=JOINT, d_kv=8, d_ff=32, num_layers=1, num_heads=2, is_encoder_decoder=False
    )
    return tokenizer, T5EncoderModel(config)


def scheduler_of(shape: FlowShape) -> FlowMatchEulerDiscreteScheduler:
    """As the published repositories have it: SD-3's shift of 3, FLUX.1-dev's by the pictures' size, schnell's none."""
    if shape == "flux-dev":
        return FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15)
    return FlowMatchEulerDiscreteScheduler(shift=1.0 if shape == "flux-schnell" else 3.0)


def save_tiny_flow(folder: Path, shape: FlowShape, seed: int = 0, t5: bool = True) -> Path:
    """Writes a tiny random pipeline of that shape into ``folder``; SD-3 may come without its T5."""
    torch.manual_seed(seed)
    write_tokenizer(folder / "tokenizer")
    clip = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    tokenizer, encoder = tiny_t5()
    parts: dict[str, Any] = {
        "transformer": tiny_transformer(shape),
        "vae": tiny_vae_16(),
        "scheduler": scheduler_of(shape),
        "tokenizer": clip,
    }
    if family_of(shape) == "flux":
        parts |= {"text_encoder": tiny_text_encoder(False), "text_encoder_2": encoder, "tokenizer_2": tokenizer}
    else:
        parts |= {"text_encoder": tiny_text_encoder(True), "text_encoder_2": tiny_text_encoder(True)}
        parts |= {
            "tokenizer_2": clip,
            "tokenizer_3": tokenizer if t5 else None,
            "text_encoder_3": encoder if t5 else None,
        }
    for parameter in (p for name, p in parts["transformer"].named_parameters() if "norm" in name and p.ndim > 1):
        parameter.data *= 3  # a random network's modulation is faint, and so would be what it says of the prompt
    PIPELINES[family_of(shape)](**parts).save_pretrained(folder)
    return folder


def flow_entry(folder: Path, shape: FlowShape, name: str = "tiny") -> BackboneEntry:
    return BackboneEntry(
        name, family_of(shape), folder, size=SIDE, prediction="flow", embedded_scale=shape == "flux-dev"
    )


def load_tiny_flow(folder: Path, shape: FlowShape, dtype: str = "float32") -> Backbone:
    return load_backbone(flow_entry(folder, shape), "cpu", dtype)


@cache
def stock_flow(folder: Path, shape: FlowShape) -> Any:
    """The same model as stock diffusers loads and runs it, frozen."""
    index = json.loads((folder / "model_index.json").read_text())
    empty = {name: None for name, place in index.items() if isinstance(place, list) and place[:1] == [None]}
    pipeline = PIPELINES[family_of(shape)].from_pretrained(folder, **empty)
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.requires_grad_(False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def save_flow_adapter(
    folder: Path, shape: FlowShape, kind: Literal["lora", "dora"] = "lora", seed: int = 1, backbone: str = "tiny"
) -> CheckpointEntry:
    """Writes a random adapter of the transformer by stock diffusers and peft alone, and returns its entry."""
    torch.manual_seed(seed)
    network = tiny_transformer(shape)
    config = LoraConfig(
        r=4,
        lora_alpha=8,
        target_modules=["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"],
        use_dora=kind == "dora",
        init_lora_weights="gaussian",
    )
    network.add_adapter(config)
    for parameter in (parameter for part, parameter in network.named_parameters() if "lora_" in part):
        parameter.data = parameter.data + 0.3 * torch.randn_like(parameter)
    PIPELINES[family_of(shape)].save_lora_weights(
        folder,
        transformer_lora_layers=get_peft_model_state_dict(network),
        transformer_lora_adapter_metadata=network.peft_config["default"].to_dict(),
    )
    return CheckpointEntry(folder.name, backbone, folder / "pytorch_lora_weights.safetensors", kind)
