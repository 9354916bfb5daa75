from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

from t2ialign.encoders import pick_score
from t2ialign.types import InputError, Prompt
from tests.encoders.pictures import pictures
from tests.encoders.slopes import check_features


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random CLIPModel, saved as PickScore_v1 is."""
    torch.manual_seed(0)
    half = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**half, "vocab_size": 49408, "bos_token_id": 49406, "eos_token_id": 49407}
    config = CLIPConfig(text_config=text, vision_config={**half, "image_size": 32, "patch_size": 8}, projection_dim=12)
    path = tmp_path_factory.mktemp("pick") / "PickScore_v1"
    CLIPModel(config).save_pretrained(path)
    return path


@pytest.mark.slow
def test_equals_the_published_recipe(folder: Path):
    """exp(logit_scale) times the cosine of the projected embeddings, prepared by transformers' own image processor."""
    import open_clip

    images, prompt = pictures(3, 48, 40), "a red circle"
    found = pick_score.load(folder, "cpu").encode(images, Prompt(prompt))["pick_score"]
    model = CLIPModel.from_pretrained(folder)
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    pixels = processor(list(images), return_tensors="pt").pixel_values
    with torch.no_grad():
        seen = model.visual_projection(model.vision_model(pixels).pooler_output)
        tokens = open_clip.SimpleTokenizer()([prompt])
        read = model.text_projection(model.text_model(tokens).pooler_output)
        expected = model.logit_scale.exp() * torch.nn.functional.cosine_similarity(seen, read)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=2e-2)  # two resizers: Pillow's and torchvision's


@pytest.mark.slow
def test_text_is_read_at_its_end(folder: Path):
    encoder = pick_score.load(folder, "cpu")
    first, second = (
        encoder.encode(pictures(1), Prompt(f"a {color} circle"))["pick_score"] for color in ("red", "blue")
    )
    assert not torch.allclose(first, second)
    encoder.encode(pictures(1), Prompt("circle " * 500))


def test_what_is_not_here_is_one_sentence():
    for source in ("yuvalkirstain/PickScore_v1", "yuvalkirstain/PickScore_v1@abc"):
        with pytest.raises(InputError, match="The weights yuvalkirstain/PickScore_v1 are not on this machine"):
            pick_score.load(source, "cpu")


@pytest.mark.slow
def test_its_score_has_a_slope(folder: Path):
    check_features(pick_score.load(folder, "cpu"), pictures(2, 40, 48), 32)
