from __future__ import annotations

import json
import string
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import CLIPTokenizer

from t2ialign import torchvision_guard
from t2ialign.encoders import clip
from t2ialign.types import InputError, Prompt
from tests.encoders.pictures import pictures
from tests.encoders.slopes import check_features

torchvision_guard.install()
from torchvision.transforms.functional import to_pil_image  # noqa: E402

CFG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 54, "width": 32, "heads": 2, "layers": 1},
}
PREPROCESS = {"size": 32, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4], "interpolation": "bicubic"}
LETTERS = [letter + end for end in ("", "</w>") for letter in string.ascii_lowercase]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random CLIP saved as our own world's CLIP is: config, safetensors, and the path of a tokenizer
    folder."""
    root = tmp_path_factory.mktemp("checkpoints")
    (root / "tokenizer").mkdir()
    vocab = {word: index for index, word in enumerate([*LETTERS, "<|startoftext|>", "<|endoftext|>"])}
    CLIPTokenizer(vocab=vocab, merges=[]).save_pretrained(root / "tokenizer")
    torch.manual_seed(0)
    saved = root / "clip-shapes"
    saved.mkdir()
    save_file({k: v.contiguous() for k, v in clip.build_clip(CFG).state_dict().items()}, saved / clip.WEIGHTS)
    config = {"model_cfg": CFG, "preprocess_cfg": PREPROCESS, "tokenizer": "../tokenizer"}
    (saved / clip.CONFIG).write_text(json.dumps(config))
    return saved


def test_features_equal_open_clips_own_route(folder: Path):
    import open_clip

    found = clip.load_clip(folder, "cpu").encode(pictures(3, 32, 32), Prompt("a red circle"))
    network = clip.build_clip(CFG).eval()
    network.load_state_dict(open_clip.factory.load_state_dict(str(folder / clip.WEIGHTS)))
    transform = open_clip.image_transform(32, is_train=False, mean=PREPROCESS["mean"], std=PREPROCESS["std"])
    pixels = torch.stack([transform(to_pil_image(image)) for image in pictures(3, 32, 32)])
    tokens = clip.folder_tokenizer(folder.parent / "tokenizer", 16)(["a red circle"])
    with torch.no_grad():
        torch.testing.assert_close(found["clip_image"], network.encode_image(pixels, normalize=True))
        torch.testing.assert_close(found["clip_text"], network.encode_text(tokens, normalize=True)[0])


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (40, 56)], ids=str)
def test_preprocessing_equals_open_clips(size: tuple[int, int]):
    import open_clip

    images = pictures(2, *size)
    transform = open_clip.image_transform(32, is_train=False, mean=PREPROCESS["mean"], std=PREPROCESS["std"])
    expected = torch.stack([transform(to_pil_image(image)) for image in images])
    torch.testing.assert_close(clip.preprocess(images, PREPROCESS), expected, rtol=1e-5, atol=1e-6)


def test_prompts_matter_and_pictures_do_not_depend_on_them(folder: Path):
    encoder = clip.load_clip(folder, "cpu")
    red, blue = (encoder.encode(pictures(2), Prompt(f"a {color} circle")) for color in ("red", "blue"))
    assert not torch.allclose(red["clip_text"], blue["clip_text"])
    assert torch.equal(red["clip_image"], blue["clip_image"])
    assert red["clip_image"].norm(dim=1).tolist() == pytest.approx([1, 1])


def test_long_prompts_are_cut(folder: Path):
    encoder = clip.load_clip(folder, "cpu")
    long, longer = (encoder.texts([" ".join(["a red circle"] * count)]) for count in (20, 200))
    torch.testing.assert_close(long, longer)


def test_weights_load_at_the_first_call_and_name_themselves(folder: Path):
    encoder = clip.load(str(folder), "cpu")
    assert (encoder.id, len(encoder.sha)) == ("clip-shapes", 16)
    assert "model" not in vars(encoder)


@pytest.mark.slow
def test_a_pretrained_tag_goes_through_open_clips_own_factory(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """A model and a tag as open_clip lists them, whose weights happen to lie in a local file."""
    import open_clip
    from open_clip import factory, pretrained

    small = {**CFG, "text_cfg": {**CFG["text_cfg"], "vocab_size": 49408}}
    monkeypatch.setitem(factory._MODEL_CONFIGS, "tiny", small)
    torch.manual_seed(2)
    network = clip.build_clip(small).eval()
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, tmp_path / "tiny.safetensors")
    entry = {"file": str(tmp_path / "tiny.safetensors"), "mean": (0.1, 0.2, 0.3), "std": (1.0, 1.0, 1.0)}
    monkeypatch.setitem(pretrained._PRETRAINED, "tiny", {"here": entry})
    encoder = clip.load_clip("tiny/here", "cpu")
    found = encoder.encode(pictures(2, 32, 32), Prompt("a red circle"))
    pixels = pictures(2, 32, 32).float() / 255 - torch.tensor([0.1, 0.2, 0.3])[:, None, None]
    with torch.no_grad():
        torch.testing.assert_close(found["clip_image"], network.encode_image(pixels, normalize=True))
        tokens = open_clip.SimpleTokenizer(context_length=16)(["a red circle"])
        torch.testing.assert_close(found["clip_text"], network.encode_text(tokens, normalize=True)[0])
    assert encoder.id == "tiny-here"


def test_bad_sources_are_one_sentence(folder: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"nonsense/ is neither a folder with open_clip_config.json nor a model"):
        clip.load_clip("nonsense", "cpu")
    with pytest.raises(InputError, match=r"has no open_clip_config\.json"):
        clip.load_clip(tmp_path, "cpu")
    with pytest.raises(
        InputError, match=r"The weights open_clip_model\.safetensors of laion/CLIP-ViT-H-14.+ are not on this machine"
    ):
        clip.load_clip("ViT-H-14/laion2b_s32b_b79k", "cpu")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / clip.CONFIG).write_text((folder / clip.CONFIG).read_text())
    (broken / clip.WEIGHTS).write_bytes(b"cut off")
    with pytest.raises(InputError, match="tokenizer is missing"):
        clip.load_clip(broken, "cpu")
    (tmp_path / "tokenizer").mkdir()
    with pytest.raises(InputError, match="does not fit the model"):
        clip.load_clip(broken, "cpu").encode(pictures(1), Prompt("a"))
    (broken / clip.CONFIG).write_text("{}")
    with pytest.raises(InputError, match="names no tokenizer"):
        clip.load_clip(broken, "cpu")


def test_its_embeddings_have_a_slope(folder: Path):
    check_features(clip.load_clip(folder, "cpu"), pictures(2, 40, 48), 32)
