"""A scored seed batch from prompt to stored numbers, beside a plain script of diffusers, torchmetrics, lpips and piq.

    python -m benchmarks.end_to_end --quick             # the embedded world, 16 pictures: under a minute
    python -m benchmarks.end_to_end                     # 16 and 64 pictures: minutes
    python -m benchmarks.end_to_end --backbone          # the layout of SD-1.5 with random weights, an eighth as wide, 128 px

The plain script is a fair one: one call of the stock pipeline for the whole batch, then CLIPScore picture by picture, and
LPIPS and SSIM of all pairs as lpips and piq offer them, a call a pair; pictures as PNG files. (torchmetrics' own SSIM counts a
mirrored border, so its numbers are others.) Ours draws the same pictures,
measures mutual information on the way, and keeps pictures and scores in a store. Both sides have the same pipeline, the same
CLIP and the same LPIPS trunk (AlexNet's layout, random: its time does not depend on its weights). Pictures and all scores are
compared. Times are CPU seconds of this process on one thread; models are loaded before. Sides take turns, the least counts.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from t2ialign import settings, torchvision_guard

torchvision_guard.install()

import diffusers  # noqa: E402 - after the guard
import piq  # noqa: E402
import torchmetrics  # noqa: E402
from lpips import LPIPS  # noqa: E402
from PIL import Image  # noqa: E402
from torchmetrics.functional.multimodal import clip_score  # noqa: E402

from benchmarks.training import save_model  # noqa: E402
from t2ialign.diffusion.backbone import Backbone, load_backbone  # noqa: E402
from t2ialign.diffusion.generate import generate  # noqa: E402
from t2ialign.encoders.clip import ClipEncoder, load_clip  # noqa: E402
from t2ialign.encoders.lpips import LpipsEncoder, network_of, package_model  # noqa: E402
from t2ialign.encoders.preprocess import preprocess  # noqa: E402
from t2ialign.metrics import METRICS  # noqa: E402
from t2ialign.metrics.scoring import score_features  # noqa: E402
from t2ialign.registry import BackboneEntry  # noqa: E402
from t2ialign.store import Store, add_batch, add_scores, open_store  # noqa: E402
from t2ialign.types import GenerationConfig, Prompt, Score, SeedBatch  # noqa: E402
from t2ialign.use_cases.batches.scoring import features_of  # noqa: E402

PROMPT = Prompt("a red circle and a blue square")
SCORED = ("clip_score", "lpips", "ssim", "mutual_information")
SCALE = 4.0
AIM = 3.0


@dataclass
class Clock:
    """CPU seconds by part."""

    parts: dict[str, float] = field(default_factory=dict)

    def run(self, part: str, work: Callable[[], Any]) -> Any:
        begun = time.process_time()
        found = work()
        self.parts[part] = self.parts.get(part, 0.0) + time.process_time() - begun
        return found

    @property
    def total(self) -> float:
        return sum(self.parts.values())


@dataclass(frozen=True)
class Models:
    """What both sides work with."""

    backbone: Backbone
    stock: Any
    clip: ClipEncoder
    trunk: LPIPS
    lpips: LpipsEncoder
    size: int
    steps: int


def models(folder: Path, real: bool) -> Models:
    """The embedded world's pipeline, or one of SD-1.5's layout."""
    source = save_model(folder / "model") if real else settings.CHECKPOINTS / "shapes"
    size, steps = (128, 10) if real else (64, 25)
    entry = BackboneEntry("shapes", "sd", source, size=size)
    stock = diffusers.StableDiffusionPipeline.from_pretrained(source, safety_checker=None)
    stock.scheduler = diffusers.DDIMScheduler.from_config(stock.scheduler.config)
    stock.set_progress_bar_config(disable=True)
    torch.manual_seed(0)
    trunk = package_model("alex", random_trunk=True)
    lpips = LpipsEncoder("lpips", "random", "cpu", lambda device: network_of(trunk, device))
    clip = load_clip(settings.CHECKPOINTS / "clip-shapes", "cpu")
    return Models(load_backbone(entry, "cpu", "float32"), stock, clip, trunk, lpips, size, steps)


def ours(side: Models, seeds: tuple[int, ...], store: Store) -> tuple[Clock, Tensor, dict[str, Score]]:
    """The steps of ``score_batch``: draw, keep, encode once, score, keep."""
    clock, config = Clock(), config_of(side)
    events = generate(side.backbone, PROMPT, config, seeds, batch_size=len(seeds), preview_every=0)
    batch = clock.run("pictures", lambda: next(event for event in events if isinstance(event, SeedBatch)))
    clock.run("files", lambda: add_batch(store, batch))
    sampled = {"mutual_information": batch.mutual_information}
    features = clock.run("features", lambda: features_of(batch.images, PROMPT, [side.clip, side.lpips], sampled))
    weights = {"clip_score": [side.clip.sha], "lpips": [side.lpips.sha]}
    found = {
        name: clock.run(name, lambda name=name: score_features(METRICS[name], features, weights.get(name, ())))
        for name in SCORED
    }
    clock.run("files", lambda: add_scores(store, batch, found.values()))
    return clock, batch.images, found


def config_of(side: Models) -> GenerationConfig:
    return GenerationConfig(
        "shapes",
        side.backbone.revision,
        num_inference_steps=side.steps,
        guidance_scale=SCALE,
        height=side.size,
        width=side.size,
    )


def plain(side: Models, seeds: tuple[int, ...], folder: Path) -> tuple[Clock, Tensor, dict[str, float]]:
    """What one writes with the packages' own front doors."""
    clock = Clock()
    drawn = clock.run("pictures", lambda: stock_pictures(side, seeds))
    clock.run("files", lambda: save(drawn, folder))
    images = torch.from_numpy(drawn).permute(0, 3, 1, 2)
    door = lambda: torchmetrics_clip(side.clip)  # noqa: E731 - what torchmetrics calls for its model
    unit = images.float() / 255
    found = {
        "clip_score": clock.run(
            "clip_score", lambda: np.mean([clip_score(image, PROMPT.text, door).item() / 100 for image in images])
        ),
        "lpips": clock.run("lpips", lambda: np.mean([side.trunk(x, y, normalize=True).item() for x, y in pairs(unit)])),
        "ssim": clock.run(
            "ssim",
            lambda: np.mean([1 - piq.ssim(x, y, downsample=False).item() for x, y in pairs(unit)]),
        ),
    }
    return clock, images, {name: float(value) for name, value in found.items()}


def pairs(unit: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    return itertools.combinations([picture[None] for picture in unit], 2)


def stock_pictures(side: Models, seeds: tuple[int, ...]) -> np.ndarray:
    """[n h w 3] uint8."""
    images = side.stock(
        PROMPT.text,
        height=side.size,
        width=side.size,
        num_inference_steps=side.steps,
        guidance_scale=SCALE,
        num_images_per_prompt=len(seeds),
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        output_type="np",
    ).images
    found: np.ndarray = (images * 255).round().astype("uint8")
    return found


def save(pictures: np.ndarray, folder: Path) -> None:
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number}.png")


def torchmetrics_clip(clip: ClipEncoder) -> tuple[Any, Any]:
    """The same CLIP as torchmetrics asks for one: a model of transformers' shape and its processor."""

    def processor(images: list[Tensor] | None = None, text: list[str] | None = None, **_: Any) -> dict[str, Tensor]:
        if images is not None:
            return {"pixel_values": preprocess(torch.stack(images), clip.model.preprocess_cfg)}
        tokens = clip.model.tokenize(text or [])
        return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}

    network = clip.model.network
    model = SimpleNamespace(
        config=None,
        get_image_features=network.encode_image,
        get_text_features=lambda tokens, mask: network.encode_text(tokens),
    )
    model.to = lambda device: model
    return model, processor


def compare(side: Models, n: int, rounds: int, scratch: Path) -> tuple[Clock, Clock, float]:
    """The least of some rounds of either side, and the largest difference of a score; pictures are compared too."""
    best: list[Clock | None] = [None, None]
    gap = 0.0
    for _ in range(rounds):
        folder = Path(tempfile.mkdtemp(dir=scratch))
        seeds = tuple(range(n))
        with open_store(folder / "home") as store:
            mine, images, scores = ours(side, seeds, store)
        theirs, expected, means = plain(side, seeds, folder)
        assert (images.int() - expected.int()).abs().max() <= 1, "the pictures differ"
        # torchmetrics calls every cosine below 0 a 0
        own = {
            name: score.values.clamp(min=0).mean().item() if name == "clip_score" else score.mean
            for name, score in scores.items()
        }
        gap = max([gap, *(abs(own[name] - value) for name, value in means.items())])
        for place, clock in enumerate((mine, theirs)):
            known = best[place]
            best[place] = clock if known is None or clock.total < known.total else known
    first, second = best
    assert first is not None and second is not None
    return first, second, gap


def report(side: Models, counts: list[int], rounds: int, scratch: Path) -> None:
    """A Markdown table a number of pictures."""
    with open_store(scratch / "warm") as store:
        ours(side, (999, 998, 997), store)
    (scratch / "plain").mkdir()
    plain(side, (999, 998, 997), scratch / "plain")
    for n in counts:
        mine, theirs, gap = compare(side, n, rounds, scratch)
        print(f"\n{n} pictures of {side.size} px, {side.steps} steps\n")
        print("| | plain script, s | ours, s | plain / ours |\n|---|---|---|---|")
        parts = {
            "pictures": ("pictures",),
            "scores of pictures and pairs": ("features", *SCORED),
            "files (and our store)": ("files",),
        }
        for what, names in parts.items():
            left, right = (sum(clock.parts.get(name, 0.0) for name in names) for clock in (theirs, mine))
            print(f"| {what} | {left:.2f} | {right:.2f} | {left / right:.1f} |")
        ratio = theirs.total / mine.total
        print(f"| **the whole** | {theirs.total:.2f} | {mine.total:.2f} | **{ratio:.2f}** |")
        print(
            f"\nlargest difference of a score: {gap:.1e}; aim {AIM:g}: {'reached' if ratio >= AIM else 'not reached'}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="16 pictures, one round")
    parser.add_argument("--backbone", action="store_true", help="SD-1.5's layout, random, an eighth as wide, 128 px")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    versions = f"torch {torch.__version__}, diffusers {diffusers.__version__}, torchmetrics {torchmetrics.__version__}"
    print(f"{platform.machine()}, 1 thread, {versions}, lpips 0.1.4", flush=True)
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        side = models(Path(scratch), asked.backbone)
        report(side, [16] if asked.quick else [16, 64], 1 if asked.quick else 2, Path(scratch))


if __name__ == "__main__":
    main()
