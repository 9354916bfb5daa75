from __future__ import annotations

import gc

import pytest
import torch

from t2ialign import torchvision_guard
from t2ialign.encoders import preprocess as module
from t2ialign.encoders.preprocess import BLIP_480, CLIP_224, CLIP_NORM, DINO_224, preprocess
from tests.encoders.pictures import pictures

torchvision_guard.install()
from torchvision import transforms  # noqa: E402
from torchvision.transforms import InterpolationMode  # noqa: E402
from torchvision.transforms.functional import to_pil_image  # noqa: E402

BICUBIC = InterpolationMode.BICUBIC


def published(*steps: object, mean: tuple[float, ...], std: tuple[float, ...]) -> transforms.Compose:
    return transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(mean, std)])


@pytest.mark.parametrize("size", [(64, 64), (40, 56), (300, 260)], ids=str)
def test_equals_the_published_transforms(size: tuple[int, int]):
    """Resize the short side and crop (CLIP, ImageReward, HPSv2, PickScore), or squash (BLIP-VQA, dgm-eval)."""
    images = pictures(2, *size)
    shortest = published(transforms.Resize(224, BICUBIC), transforms.CenterCrop(224), **CLIP_NORM)
    squashed = published(transforms.Resize((480, 480), BICUBIC), **CLIP_NORM)
    imagenet = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    dino = published(transforms.Resize((224, 224), BICUBIC), **imagenet)
    for cfg, transform in ((CLIP_224, shortest), (BLIP_480, squashed), (DINO_224, dino)):
        expected = torch.stack([transform(to_pil_image(image)) for image in images])
        torch.testing.assert_close(preprocess(images, cfg), expected, rtol=1e-5, atol=1e-6)


def test_scorers_that_want_the_same_share_one_computation():
    images = pictures(2)
    first = preprocess(images, CLIP_224)
    assert preprocess(images, {**CLIP_224, "mean": list(CLIP_NORM["mean"])}) is first
    assert preprocess(images, {**CLIP_224, "size": (224, 224)}) is first
    assert preprocess(images.clone(), CLIP_224) is not first
    assert preprocess(images, {**CLIP_224, "size": 32}) is not first


def test_open_clip_models_want_what_transformers_models_want():
    """CLIP H/14 and HPSv2 come through open_clip, PickScore through transformers: all three share one computation."""
    import open_clip

    vision = {"layers": 1, "width": 8, "image_size": 224, "patch_size": 112, "head_width": 8}
    model = open_clip.CLIP(8, vision, {"layers": 1, "width": 8, "heads": 1, "context_length": 8, "vocab_size": 16})
    assert model.visual.image_size == (224, 224)
    open_clip.model.set_model_preprocess_cfg(
        model, {**vars(open_clip.transform.PreprocessCfg()), "size": model.visual.image_size}
    )
    images = pictures(1)
    assert preprocess(images, open_clip.get_model_preprocess_cfg(model)) is preprocess(images, CLIP_224)


@pytest.mark.slow
def test_forgets_pictures_that_are_gone():
    images = pictures(1)
    preprocess(images, CLIP_224)
    before = len(module._done)
    del images
    gc.collect()
    assert len(module._done) < before
