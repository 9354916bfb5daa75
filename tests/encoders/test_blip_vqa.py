from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertTokenizer, BlipConfig, BlipForQuestionAnswering

from t2ialign.encoders import blip_vqa
from t2ialign.encoders.preprocess import BLIP_480, preprocess
from t2ialign.types import InputError, Prompt
from tests.encoders.bert import WORDS, save_tokenizer
from tests.encoders.pictures import pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random BlipForQuestionAnswering with its tokenizer, saved as Salesforce/blip-vqa-base is."""
    path = tmp_path_factory.mktemp("blip-vqa")
    start = save_tokenizer(path)
    half = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**half, "vocab_size": start + 2, "bos_token_id": start, "pad_token_id": 0, "sep_token_id": 3}
    torch.manual_seed(0)
    config = BlipConfig(text_config=text, vision_config={**half, "image_size": 32, "patch_size": 8})
    model = BlipForQuestionAnswering(config)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(path)
    return path


def yes_share(folder: Path, pixels: torch.Tensor, question: str) -> float:
    """Through ``generate``, whose first step's scores are the same logits."""
    model, tokenizer = BlipForQuestionAnswering.from_pretrained(folder), BertTokenizer.from_pretrained(folder)
    tokens = tokenizer(question, return_tensors="pt")
    tokens["input_ids"][:, 0] = len(WORDS) + 1
    arguments = {"pixel_values": pixels[None], "attention_mask": tokens["attention_mask"], "max_new_tokens": 1}
    told = model.generate(
        tokens["input_ids"], **arguments, do_sample=False, output_logits=True, return_dict_in_generate=True
    )
    answers = told.logits[0][0].softmax(0)
    yes, no = answers[WORDS.index("yes")], answers[WORDS.index("no")]
    return float(yes / (yes + no))


@pytest.mark.slow
def test_equals_the_product_over_phrases(folder: Path):
    images = pictures(2, 48, 40)
    images[1] = 255
    found = blip_vqa.load(folder, "cpu").encode(images, Prompt("a red circle and a blue square"))["blip_vqa"]
    pixels = preprocess(images, {**BLIP_480, "size": 32})
    expected = [yes_share(folder, x, "a red circle?") * yes_share(folder, x, "a blue square?") for x in pixels]
    assert found.tolist() == pytest.approx(expected, rel=1e-5)
    assert expected[0] != pytest.approx(expected[1], rel=1e-3)


def test_at_most_eight_phrases(folder: Path):
    encoder = blip_vqa.load(folder, "cpu")
    eight, many = (encoder.encode(pictures(1), Prompt(", ".join(["a circle"] * k)))["blip_vqa"] for k in (8, 30))
    torch.testing.assert_close(eight, many)


@pytest.mark.parametrize(
    ("prompt", "unread"),
    [
        (", ".join(["a circle"] * 8), ""),
        (", ".join(["a circle"] * 8 + ["a blue square", "no star"]), "its phrases from 'a blue square' on"),
        ("red " * 31 + "circle", ""),
        ("red " * 33 + "circle and a square", f"the end of {('red ' * 33 + 'circle')[:60]!r}"),
    ],
)
def test_what_is_not_asked_is_said(folder: Path, prompt: str, unread: str):
    """At most 35 tokens a question: the two marks, the question mark and 32 words."""
    assert blip_vqa.load(folder, "cpu").unread(Prompt(prompt)) == unread


def test_offline_is_one_sentence():
    with pytest.raises(InputError, match="weights Salesforce/blip-vqa-base are not on this machine"):
        blip_vqa.load("Salesforce/blip-vqa-base@abc", "cpu")
