"""Tiny random models in the layouts of the real ones, saved to a folder: SD-1.5, SD-2.1 with v-prediction, SDXL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from t2ialign import torchvision_guard
from t2ialign.registry import BackboneEntry, CheckpointEntry

torchvision_guard.install()

from diffusers import (  # noqa: E402
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from peft import LoraConfig, get_peft_model_state_dict  # noqa: E402
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer  # noqa: E402

from t2ialign.diffusion.backbone import Backbone, load_backbone  # noqa: E402
from t2ialign.shapes.tokenizer import END, START, VOCABULARY, write_tokenizer  # noqa: E402

Shape = Literal["sd-1.5", "sd-2.1-v", "sdxl"]
SHAPES: tuple[Shape, ...] = ("sd-1.5", "sd-2.1-v", "sdxl")
WIDTH, TOKENS = 32, 32
SIDE = 32  # pixels of a tiny picture: 4 x 4 latents of 8 pixels


def tiny_text_encoder(projection: bool) -> CLIPTextModel | CLIPTextModelWithProjection:
    config = CLIPTextConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=WIDTH,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        projection_dim=WIDTH,
        bos_token_id=START,
        eos_token_id=END,
        pad_token_id=END,
    )
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


def tiny_unet(shape: Shape) -> UNet2DConditionModel:
    added = {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "transformer_layers_per_block": (1, 2),
        "projection_class_embeddings_input_dim": 6 * 8 + WIDTH,
    }
    return UNet2DConditionModel(
        sample_size=SIDE // 8,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(16, 32),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=2 * WIDTH if shape == "sdxl" else WIDTH,
        attention_head_dim=4,
        norm_num_groups=8,
        use_linear_projection=shape != "sd-1.5",
        **(added if shape == "sdxl" else {}),
    )


def tiny_vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8,) * 4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=SIDE,
    )


def save_tiny(folder: Path, shape: Shape = "sd-1.5", seed: int = 0) -> Path:
    """Writes a tiny random pipeline of that shape into ``folder``."""
    torch.manual_seed(seed)
    write_tokenizer(folder / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    parts = {"unet": tiny_unet(shape), "vae": tiny_vae(), "tokenizer": tokenizer}
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
    if shape == "sdxl":
        pipeline = StableDiffusionXLPipeline(
            **parts,
            text_encoder=tiny_text_encoder(projection=False),
            text_encoder_2=tiny_text_encoder(projection=True),
            tokenizer_2=tokenizer,
            scheduler=EulerDiscreteScheduler(**betas, timestep_spacing="leading"),
            add_watermarker=False,
        )
    else:
        prediction = "v_prediction" if shape == "sd-2.1-v" else "epsilon"
        pipeline = StableDiffusionPipeline(
            **parts,
            text_encoder=tiny_text_encoder(projection=False),
            scheduler=DDIMScheduler(**betas, prediction_type=prediction, clip_sample=False, set_alpha_to_one=False),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    pipeline.save_pretrained(folder)
    return folder


def tiny_entry(folder: Path, shape: Shape = "sd-1.5", name: str = "tiny") -> BackboneEntry:
    prediction = "v_prediction" if shape == "sd-2.1-v" else "epsilon"
    return BackboneEntry(name, "sdxl" if shape == "sdxl" else "sd", folder, size=SIDE, prediction=prediction)


def load_tiny(folder: Path, shape: Shape = "sd-1.5", dtype: str = "float32") -> Backbone:
    """The tiny model of that shape from ``folder``, made first if it is not there yet."""
    if not (folder / "model_index.json").exists():
        save_tiny(folder, shape)
    return load_backbone(tiny_entry(folder, shape), "cpu", dtype)


def stock_pipeline(folder: Path, shape: Shape) -> StableDiffusionPipeline | StableDiffusionXLPipeline:
    """The same model as stock diffusers loads and runs it, its UNet frozen.

    Torch multiplies strided matrices by another routine when a weight asks for gradients (``should_fold`` of its
    matmul), even where none are recorded: on some CPUs linear projections then differ in the last place.
    """
    kind = StableDiffusionXLPipeline if shape == "sdxl" else StableDiffusionPipeline
    pipeline = kind.from_pretrained(folder)
    pipeline.unet.requires_grad_(False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def save_tiny_adapter(
    folder: Path,
    kind: Literal["lora", "dora"] = "lora",
    shape: Shape = "sd-1.5",
    seed: int = 1,
    rank: int = 4,
    name: str = "",
    backbone: str = "tiny",
    targets: Sequence[str] = ("to_q", "to_k", "to_v", "to_out.0"),
) -> CheckpointEntry:
    """Writes a random adapter with a visible effect, by stock diffusers and peft alone, and returns its entry."""
    torch.manual_seed(seed)
    unet = tiny_unet(shape)
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=list(targets),
        use_dora=kind == "dora",
        init_lora_weights="gaussian",
    )
    unet.add_adapter(config)
    for parameter in (parameter for part, parameter in unet.named_parameters() if "lora_" in part):
        parameter.data = parameter.data + 0.3 * torch.randn_like(parameter)
    StableDiffusionPipeline.save_lora_weights(
        folder,
        unet_lora_layers=get_peft_model_state_dict(unet),
        unet_lora_adapter_metadata=unet.peft_config["default"].to_dict(),
    )
    return CheckpointEntry(name or folder.name, backbone, folder / "pytorch_lora_weights.safetensors", kind)
