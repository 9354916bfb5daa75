from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torchvision.transforms.functional import to_pil_image
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    CLIPImageProcessor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

from t2ialign.encoders import vqa_score
from t2ialign.types import InputError, Prompt
from tests.encoders.pictures import pictures

WORDS = [
    "Does",
    "this",
    "figure",
    "show",
    '"',
    "?",
    "Please",
    "answer",
    "yes",
    "or",
    "no",
    ".",
    "a",
    "red",
    "blue",
    "circle",
    "Yes",
    "No",
    "[UNK]",
    "[PAD]",
    "user",
    "assistant",
]
SPECIAL = ["<image>", "<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"]
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }} {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}PICTURE {% else %}{{ part['text'] }} {% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}assistant {% endif %}"
)


def tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {word: index for index, word in enumerate([*WORDS, *SPECIAL])}
    model = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    model.pre_tokenizer = pre_tokenizers.Whitespace()
    extra = {"image_token": "<image>", "video_token": "<|video_pad|>"}
    fast = PreTrainedTokenizerFast(tokenizer_object=model, unk_token="[UNK]", pad_token="[PAD]", **extra)
    fast.add_special_tokens({"additional_special_tokens": SPECIAL})
    return fast


def save_llava(path: Path) -> None:
    half = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    template = TEMPLATE.replace("PICTURE", "<image>")
    LlavaProcessor(
        images,
        tokenizer(),
        patch_size=8,
        vision_feature_select_strategy="full",
        chat_template=template,
        num_additional_image_tokens=1,
    ).save_pretrained(path)
    config = LlavaConfig(
        vision_config={"model_type": "clip_vision_model", **half, "image_size": 32, "patch_size": 8},
        text_config={"model_type": "llama", **half, "vocab_size": len(WORDS) + len(SPECIAL)},
        image_token_index=len(WORDS),
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
    )
    LlavaForConditionalGeneration(config).save_pretrained(path)


def save_qwen(path: Path) -> None:
    words = tokenizer()
    words.image_token, words.video_token = "<|image_pad|>", "<|video_pad|>"
    sizes = {"patch_size": 8, "merge_size": 2, "temporal_patch_size": 2, "min_pixels": 256, "max_pixels": 4096}
    template = TEMPLATE.replace("PICTURE", "<|vision_start|><|image_pad|><|vision_end|>")
    images, videos = Qwen2VLImageProcessor(**sizes), Qwen2VLVideoProcessor(**sizes)
    Qwen2_5_VLProcessor(images, words, videos, chat_template=template).save_pretrained(path)
    ids = {name: len(WORDS) + index for index, name in enumerate(SPECIAL)}
    vision = {"depth": 1, "hidden_size": 16, "num_heads": 2, "intermediate_size": 32, "out_hidden_size": 16}
    text = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2]}
    config = Qwen2_5_VLConfig(
        vision_config={
            **vision,
            "patch_size": 8,
            "spatial_merge_size": 2,
            "window_size": 32,
            "fullatt_block_indexes": [0],
        },
        text_config={**text, "num_key_value_heads": 2, "vocab_size": len(ids) + len(WORDS), "rope_scaling": rope},
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    Qwen2_5_VLForConditionalGeneration(config).save_pretrained(path)


FAMILIES: dict[str, Callable[[Path], None]] = {"llava": save_llava, "qwen": save_qwen}


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny random vision-language models of two families, saved with their processors and chat templates."""
    path = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(0)
    FAMILIES[request.param](path)
    return path


def test_equals_the_first_step_of_generate(folder: Path):
    images, prompt = pictures(2, 32, 32), "a red circle"
    images[1] = 255
    found = vqa_score.load(folder, "cpu").encode(images, Prompt(prompt))
    model, processor = AutoModelForImageTextToText.from_pretrained(folder), AutoProcessor.from_pretrained(folder)
    model.generation_config.pad_token_id = WORDS.index("[PAD]")
    yes, no = [], []
    for image in images:
        text = f'Does this figure show "{prompt}"? Please answer yes or no.'
        content = [{"type": "image", "image": to_pil_image(image)}, {"type": "text", "text": text}]
        chat = [{"role": "user", "content": content}]
        options = {"add_generation_prompt": True, "tokenize": True, "return_dict": True, "return_tensors": "pt"}
        inputs = processor.apply_chat_template(chat, **options)
        told = model.generate(
            **inputs, max_new_tokens=1, do_sample=False, output_logits=True, return_dict_in_generate=True
        )
        answers = told.logits[0][0].softmax(0)
        yes.append(answers[WORDS.index("Yes")].item())
        no.append(answers[WORDS.index("No")].item())
    assert found["vqa_score"].tolist() == pytest.approx(yes, rel=1e-4)
    ratios = [y / (y + n) for y, n in zip(yes, no, strict=True)]
    assert found["vqa_score_ratio"].tolist() == pytest.approx(ratios, rel=1e-4)
    assert yes[0] != yes[1]


def test_template_is_part_of_the_identity(folder: Path):
    """Within the twelve digits that a score's version keeps; so is the precision."""
    plain, other = vqa_score.load(folder, "cpu"), vqa_score.load(folder, "cpu", template="Is this {} ?")
    assert len({one.sha[:12] for one in (plain, other, vqa_score.load(folder, "cpu", dtype="bfloat16"))}) == 3
    scores = [encoder.encode(pictures(1, 32, 32), Prompt("a red circle"))["vqa_score"] for encoder in (plain, other)]
    assert scores[0] != scores[1]


def test_a_question_beyond_the_context_has_no_score(folder: Path, monkeypatch: pytest.MonkeyPatch):
    encoder = vqa_score.load(folder, "cpu")
    monkeypatch.setattr(encoder.model.config.get_text_config(), "max_position_embeddings", 60)
    assert encoder.encode(pictures(1, 32, 32), Prompt("a red circle"))["vqa_score"].isfinite().all()
    with pytest.raises(InputError, match=r"tokens long with its picture, and .* reads 60: shorten the prompt"):
        encoder.encode(pictures(1, 32, 32), Prompt("a red circle " * 20))


def test_offline_is_one_sentence():
    with pytest.raises(InputError, match=r"The weights Qwen/Qwen2\.5-VL-3B-Instruct are not on this machine"):
        vqa_score.load("Qwen/Qwen2.5-VL-3B-Instruct@abc", "cpu")
