from __future__ import annotations

import math
import string
from pathlib import Path

import pytest
import torch
from torchvision.transforms.functional import to_pil_image
from transformers import (
    CLIPTokenizer,
    OwlViTConfig,
    OwlViTForObjectDetection,
    OwlViTImageProcessor,
    OwlViTProcessor,
)

from t2ialign.encoders import spatial
from t2ialign.encoders.spatial import Detection, overlap, position, spatial_score
from t2ialign.types import Prompt
from tests.encoders.pictures import pictures

LEFT, RIGHT, TOP = (0.1, 0.4, 0.3, 0.6), (0.7, 0.4, 0.9, 0.6), (0.4, 0.1, 0.6, 0.2)


@pytest.mark.parametrize(
    ("relation", "first", "second", "expected"),
    [
        ("to the left of", LEFT, RIGHT, 1.0),
        ("to the left of", RIGHT, LEFT, 0.0),
        ("to the right of", RIGHT, LEFT, 1.0),
        ("above", (0.6, 0.1, 0.8, 0.3), LEFT, 0.0),  # further aside than above
        ("above", (0.1, 0.0, 0.3, 0.1), LEFT, 1.0),
        ("below", LEFT, (0.1, 0.0, 0.3, 0.1), 1.0),
        ("on top of", LEFT, TOP, 0.0),
        ("next to", LEFT, RIGHT, 1.0),  # on one line
        ("next to", (0.0, 0.0, 0.1, 0.1), (0.8, 0.8, 1.0, 1.0), 150 / 512 / 0.85),
        ("behind", LEFT, RIGHT, 0.0),
    ],
)
def test_position_by_hand(relation: str, first: spatial.Box, second: spatial.Box, expected: float):
    assert position(relation, first, second) == pytest.approx(expected)


def test_overlapping_boxes_cost():
    """Two 0.4-wide boxes that share a half: 1/3 of their union, three times and a third what is free."""
    first, second = (0.0, 0.0, 0.4, 0.4), (0.2, 0.0, 0.6, 0.4)
    assert overlap(first, second) == pytest.approx(1 / 3)
    assert position("to the left of", first, second) == pytest.approx(0.3)


def test_mixture_by_hand():
    sure, unsure = Detection(0.9, LEFT), Detection(0.3, RIGHT)
    assert spatial_score("to the left of", sure, unsure) == pytest.approx(0.25 * 0.9 + 0.25 * 0.3 + 0.5)
    assert spatial_score("to the right of", sure, unsure) == 0
    assert spatial_score("to the left of", sure, None) == 0
    assert spatial_score("to the left of", None, None) == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random OWL-ViT with its processor."""
    path = tmp_path_factory.mktemp("owl")
    letters = [letter + end for end in ("", "</w>") for letter in string.ascii_lowercase]
    vocab = {word: index for index, word in enumerate([*letters, "<|startoftext|>", "<|endoftext|>"])}
    tokenizer = CLIPTokenizer(vocab=vocab, merges=[], model_max_length=32)
    size = {"height": 32, "width": 32}
    OwlViTProcessor(OwlViTImageProcessor(size=size, crop_size=size), tokenizer).save_pretrained(path)
    half = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"pad_token_id": 53, "bos_token_id": 52, "eos_token_id": 53}
    text = {**half, **ends, "vocab_size": 54, "max_position_embeddings": 32}
    config = OwlViTConfig(
        text_config=text, vision_config={**half, "image_size": 32, "patch_size": 8}, projection_dim=16
    )
    model = OwlViTForObjectDetection(config)
    torch.manual_seed(0)  # with this one, both phrases win somewhere
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(path)
    return path


RELATIONS = ("to the left of", "to the right of", "above", "below", "next to")


def test_equals_the_detector_and_the_geometry(folder: Path):
    """With every box kept, the surest of each phrase are the rows of the model's own logits."""
    (image,) = images = pictures(1, 32, 32)
    encoder = spatial.load(folder, "cpu", threshold=0.0)
    found = {
        relation: encoder.encode(images, Prompt(f"a red circle {relation} a blue square"))["spatial"].item()
        for relation in RELATIONS
    }
    model, processor = OwlViTForObjectDetection.from_pretrained(folder), OwlViTProcessor.from_pretrained(folder)
    phrases = [["a red circle", "a blue square"]]
    with torch.no_grad():
        outputs = model(**processor(text=phrases, images=to_pil_image(image), return_tensors="pt"))
    logit, label = outputs.logits[0].max(1)
    things = []
    for number in (0, 1):
        rows = (label == number).nonzero().flatten()
        row = rows[logit[rows].argmax()]
        x, y, w, h = outputs.pred_boxes[0, row].tolist()
        things.append(Detection(logit[row].sigmoid().item(), (x - w / 2, y - h / 2, x + w / 2, y + h / 2)))
    expected = {relation: spatial_score(relation, *things) for relation in RELATIONS}
    assert found == pytest.approx(expected, abs=1e-5)
    assert len(set(expected.values())) > 1


def test_prompts_without_a_relation_are_not_scored(folder: Path):
    found = spatial.load(folder, "cpu").encode(pictures(3), Prompt("a red circle and a blue square"))["spatial"]
    assert all(math.isnan(score) for score in found.tolist())


def test_nothing_seen_is_zero(folder: Path):
    found = spatial.load(folder, "cpu", threshold=1.0).encode(pictures(1, 32, 32), Prompt("a star above a ring"))
    assert found["spatial"].tolist() == [0]


def test_the_threshold_is_part_of_the_identity(folder: Path):
    plain, other = spatial.load(folder, "cpu"), spatial.load(folder, "cpu", threshold=0.5)
    assert plain.sha[:12] != other.sha[:12]
