"""Tiny random flow models whose prompts language models read, saved to a folder: FLUX.2-dev and -klein, Qwen-Image, Sana.

Their tokenizers are made here of the embedded world's words; nothing is fetched.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch

from t2ialign import torchvision_guard
from t2ialign.registry import BackboneEntry, CheckpointEntry

torchvision_guard.install()

import diffusers  # noqa: E402
import transformers  # noqa: E402
from peft import LoraConfig, get_peft_model_state_dict  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402

from t2ialign.diffusion.backbone import Backbone, load_backbone  # noqa: E402
from t2ialign.shapes.tokenizer import WORDS  # noqa: E402

SpeakerShape = Literal["flux2-dev", "flux2-klein", "qwen-image", "sana", "sana-dpm"]
SPEAKER_SHAPES: tuple[SpeakerShape, ...] = ("flux2-dev", "flux2-klein", "qwen-image", "sana", "sana-dpm")
FAMILY: dict[str, Any] = {
    "flux2-dev": "flux2",
    "flux2-klein": "flux2-klein",
    "qwen-image": "qwenimage",
    "sana": "sana",
    "sana-dpm": "sana",
}
PIPELINES = {
    "flux2": diffusers.Flux2Pipeline,
    "flux2-klein": diffusers.Flux2KleinPipeline,
    "qwenimage": diffusers.QwenImagePipeline,
    "sana": diffusers.SanaPipeline,
}
WIDTH, SIDE = 16, 64
ADAPTED = ["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"]
MARKS = {"<|im_start|>", "<|im_end|>", "<|endoftext|>"}


def word_vocabulary(special: list[str]) -> dict[str, int]:
    """Special tokens, the words with their space before them, and every byte, as byte-level tokenizers spell them."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    return {token: row for row, token in enumerate([*special, *alphabet])}


def byte_tokenizer(special: list[str], **named: str) -> Any:
    """A byte-level tokenizer without merges: a token a byte."""
    vocabulary = word_vocabulary(special)
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, additional_special_tokens=[one for one in special if one not in named.values()], **named
    )


def mistral() -> tuple[Any, Any]:
    """FLUX.2-dev's: a processor with a chat template, and a Mistral-3 of thirty layers, of which the 10th, 20th, 30th count."""
    special = ["<unk>", "<s>", "</s>", "<pad>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[IMG]"]
    special += ["[IMG_BREAK]", "[IMG_END]"]
    tokenizer = byte_tokenizer(special, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    template = (
        "{{ bos_token }}{% for m in messages %}{% set said = m['content'][0]['text'] %}"
        "{% if m['role'] == 'system' %}[SYSTEM_PROMPT]{{ said }}[/SYSTEM_PROMPT]{% else %}[INST]{{ said }}[/INST]{% endif %}"
        "{% endfor %}"
    )
    processor = transformers.PixtralProcessor(
        image_processor=transformers.PixtralImageProcessor(), tokenizer=tokenizer, chat_template=template
    )
    text = {
        "model_type": "mistral",
        "vocab_size": len(tokenizer),
        "hidden_size": WIDTH,
        "intermediate_size": 16,
        "num_hidden_layers": 30,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "pad_token_id": 3,
    }
    vision = {
        "model_type": "pixtral",
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "image_size": 28,
        "patch_size": 14,
    }
    config = transformers.Mistral3Config(text_config=text, vision_config=vision, image_token_index=8)
    return processor, transformers.Mistral3ForConditionalGeneration(config)


def qwen_tokenizer() -> Any:
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = transformers.Qwen2Tokenizer(vocab=word_vocabulary(special), merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": special[1:]})
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return tokenizer


def qwen3() -> tuple[Any, Any]:
    """FLUX.2-klein's: the 9th, 18th and 27th layer count."""
    tokenizer = qwen_tokenizer()
    config = transformers.Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=16,
        num_hidden_layers=28,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    )
    return tokenizer, transformers.Qwen3ForCausalLM(config)


def qwen_vl() -> tuple[Any, Any]:
    """Qwen-Image's, whose last layer counts."""
    tokenizer = qwen_tokenizer()
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": WIDTH,
        "intermediate_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "rope_scaling": {"type": "default", "mrope_section": [1, 1, 2], "rope_type": "default"},
    }
    vision = {
        "depth": 1,
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_heads": 1,
        "out_hidden_size": WIDTH,
        "patch_size": 14,
    }
    config = transformers.Qwen2_5_VLConfig(text_config=text, vision_config=vision)
    return tokenizer, transformers.Qwen2_5_VLForConditionalGeneration(config)


def gemma() -> tuple[Any, Any]:
    """Sana's: a Gemma-2, whose tokenizer begins with a token of its own."""
    words = {token: row for row, token in enumerate(["<pad>", "<eos>", "<bos>", "<unk>", "\u2581"])}
    for word in [*WORDS, *map(chr, range(33, 127)), "\n"]:
        for spelled in (word, f"\u2581{word}"):
            words.setdefault(spelled, len(words))
    for row in range(256):
        words[f"<0x{row:02X}>"] = len(words)
    tokenizer = transformers.GemmaTokenizer(vocab=words, merges=[])
    config = transformers.Gemma2Config(
        vocab_size=len(words),
        hidden_size=WIDTH,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    )
    return tokenizer, transformers.Gemma2Model(config)


def tiny_network(shape: SpeakerShape) -> Any:
    heads = {"num_attention_heads": 2, "attention_head_dim": 16}
    if shape.startswith("flux2"):
        return diffusers.Flux2Transformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            joint_attention_dim=3 * WIDTH,
            timestep_guidance_channels=16,
            guidance_embeds=shape == "flux2-dev",
            axes_dims_rope=(4, 4, 4, 4),
            **heads,
        )
    if shape == "qwen-image":
        return diffusers.QwenImageTransformer2DModel(
            in_channels=64, out_channels=16, num_layers=2, joint_attention_dim=WIDTH, axes_dims_rope=(8, 4, 4), **heads
        )
    return diffusers.SanaTransformer2DModel(
        in_channels=4,
        out_channels=4,
        num_layers=2,
        num_cross_attention_heads=2,
        cross_attention_head_dim=16,
        cross_attention_dim=32,
        caption_channels=WIDTH,
        sample_size=32,
        **heads,
    )


def tiny_vae(shape: SpeakerShape) -> Any:
    if shape.startswith("flux2"):
        vae = diffusers.AutoencoderKLFlux2(
            block_out_channels=(8,) * 4, latent_channels=4, norm_num_groups=4, layers_per_block=1, sample_size=SIDE
        )
        vae.bn.running_mean.copy_(torch.linspace(-0.5, 0.5, 16))
        vae.bn.running_var.copy_(torch.linspace(0.5, 2.0, 16))
        return vae
    if shape == "qwen-image":
        return diffusers.AutoencoderKLQwenImage(base_dim=8, num_res_blocks=1)
    return diffusers.AutoencoderDC(
        latent_channels=4,
        attention_head_dim=8,
        encoder_block_types=("ResBlock",) * 5 + ("EfficientViTBlock",),
        decoder_block_types=("ResBlock",) * 5 + ("EfficientViTBlock",),
        encoder_block_out_channels=(8,) * 6,
        decoder_block_out_channels=(8,) * 6,
        encoder_layers_per_block=(1,) * 6,
        decoder_layers_per_block=(1,) * 6,
        encoder_qkv_multiscales=((),) * 5 + ((5,),),
        decoder_qkv_multiscales=((),) * 5 + ((5,),),
        scaling_factor=0.41407,
    )


def tiny_scheduler(shape: SpeakerShape) -> Any:
    """As the published repositories have it, as far as that shows on a tiny model."""
    if shape == "sana-dpm":
        return diffusers.DPMSolverMultistepScheduler(
            use_flow_sigmas=True, flow_shift=3.0, prediction_type="flow_prediction"
        )
    if shape == "sana":
        return diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    if shape == "qwen-image":
        return diffusers.FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True,
            base_shift=0.5,
            max_shift=0.9,
            base_image_seq_len=256,
            max_image_seq_len=8192,
            shift=1.0,
            shift_terminal=0.02,
        )
    return diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True)


READERS = {"flux2-dev": mistral, "flux2-klein": qwen3, "qwen-image": qwen_vl, "sana": gemma, "sana-dpm": gemma}


def save_tiny_speaker(folder: Path, shape: SpeakerShape, seed: int = 0) -> Path:
    """Writes a tiny random pipeline of that shape into ``folder``."""
    torch.manual_seed(seed)
    tokenizer, encoder = READERS[shape]()
    network = tiny_network(shape)
    for parameter in (p for name, p in network.named_parameters() if "norm" in name and p.ndim > 1):
        parameter.data *= 3  # a random network's modulation is faint, and so would be what it says of the prompt
    PIPELINES[FAMILY[shape]](
        tokenizer=tokenizer,
        text_encoder=encoder,
        vae=tiny_vae(shape),
        transformer=network,
        scheduler=tiny_scheduler(shape),
    ).save_pretrained(folder)
    return folder


def speaker_entry(folder: Path, shape: SpeakerShape, name: str = "tiny") -> BackboneEntry:
    return BackboneEntry(name, FAMILY[shape], folder, size=SIDE, prediction="flow", embedded_scale=shape == "flux2-dev")


def load_tiny_speaker(folder: Path, shape: SpeakerShape, dtype: str = "float32") -> Backbone:
    return load_backbone(speaker_entry(folder, shape), "cpu", dtype)


@cache
def stock_speaker(folder: Path, shape: SpeakerShape) -> Any:
    """The same model as stock diffusers loads and runs it, frozen."""
    pipeline = PIPELINES[FAMILY[shape]].from_pretrained(folder)
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def save_speaker_adapter(
    folder: Path, shape: SpeakerShape, kind: Literal["lora", "dora"] = "lora", seed: int = 1, backbone: str = "tiny"
) -> CheckpointEntry:
    """Writes a random adapter of the transformer by stock diffusers and peft alone, and returns its entry."""
    torch.manual_seed(seed)
    network = tiny_network(shape)
    network.add_adapter(
        LoraConfig(r=4, lora_alpha=8, target_modules=ADAPTED, use_dora=kind == "dora", init_lora_weights="gaussian")
    )
    for parameter in (parameter for part, parameter in network.named_parameters() if "lora_" in part):
        parameter.data = parameter.data + 0.3 * torch.randn_like(parameter)
    PIPELINES[FAMILY[shape]].save_lora_weights(
        folder,
        transformer_lora_layers=get_peft_model_state_dict(network),
        transformer_lora_adapter_metadata=network.peft_config["default"].to_dict(),
    )
    return CheckpointEntry(folder.name, backbone, folder / "pytorch_lora_weights.safetensors", kind)
