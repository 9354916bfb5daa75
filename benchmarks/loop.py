"""Our loop beside stock ``StableDiffusionPipeline`` on the same pictures, and the main job from request to scores.

    python -m benchmarks.loop [--rounds 5] [--seeds 16] [--steps 25]

The two loops run in turn, round by round, so that both meet the same noise of the machine; the ratio of the medians is the
claim (stock / ours: above 1 we are faster). Ours also measures mutual information and yields every step.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from t2ialign import store, torchvision_guard

torchvision_guard.install()

import diffusers  # noqa: E402 - after the guard

from t2ialign.diffusion.backbone import load_backbone  # noqa: E402
from t2ialign.diffusion.generate import generate  # noqa: E402
from t2ialign.types import Prompt, SeedBatch  # noqa: E402
from t2ialign.use_cases.batches.requests import BatchRequest  # noqa: E402
from t2ialign.use_cases.batches.score_batch import config_of, score_batch  # noqa: E402
from t2ialign.use_cases.results import StoreResults  # noqa: E402
from t2ialign.use_cases.workbench import Workbench  # noqa: E402

PROMPT = Prompt("a red circle and a blue square")


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def loops(bench: Workbench, request: BatchRequest, rounds: int) -> tuple[float, float, bool]:
    """Median seconds of stock and of ours for the same seeds, and whether the pictures are equal."""
    entry, config = config_of(bench, request)
    backbone = load_backbone(entry, "cpu", "float32")
    stock = diffusers.StableDiffusionPipeline.from_pretrained(entry.source)
    stock.set_progress_bar_config(disable=True)
    pictures: dict[str, torch.Tensor] = {}

    def ours() -> None:
        events = generate(backbone, PROMPT, config, request.seeds, batch_size=len(request.seeds), preview_every=0)
        pictures["ours"] = next(event for event in events if isinstance(event, SeedBatch)).images

    def theirs() -> None:
        generators = [torch.Generator().manual_seed(seed) for seed in request.seeds]
        images = stock(
            PROMPT.text,
            height=entry.size,
            width=entry.size,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            num_images_per_prompt=len(request.seeds),
            generator=generators,
            output_type="np",
        ).images
        pictures["stock"] = torch.from_numpy((images * 255).round().astype("uint8")).permute(0, 3, 1, 2)

    ours(), theirs()
    times = [(seconds(theirs), seconds(ours)) for _ in range(rounds)]
    equal = torch.equal(pictures["ours"], pictures["stock"])
    return statistics.median(t for t, _ in times), statistics.median(t for _, t in times), equal


def main_job(bench: Workbench, request: BatchRequest) -> tuple[float, float]:
    """Seconds from the request to the first preview, and to the scored and stored batch; models already loaded."""
    first = 0.0
    started = time.perf_counter()
    for state in score_batch(bench, request):
        if state.previews and not first:
            first = time.perf_counter() - started
    return first, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--steps", type=int, default=25)
    given = parser.parse_args()
    request = BatchRequest(PROMPT, "base", tuple(range(given.seeds)), num_inference_steps=given.steps)
    with tempfile.TemporaryDirectory() as folder, store.open_store(Path(folder)) as opened:
        bench = Workbench(StoreResults(opened), "cpu", "float32")
        stock, ours, equal = loops(bench, request, given.rounds)
        main_job(bench, BatchRequest(PROMPT, "base", (999,), num_inference_steps=2))  # loads models and scorers
        first, whole = main_job(bench, request)
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        f"| {given.seeds} seeds, {given.steps} steps, 64 px | stock diffusers {diffusers.__version__} | ours | stock / ours |"
    )
    print("|---|---|---|---|")
    print(f"| the loop (pictures equal: {equal}) | {stock:.2f} s | {ours:.2f} s | {stock / ours:.2f} |")
    print(f"| request to first preview | - | {first:.2f} s | - |")
    print(f"| request to scored and stored batch | - | {whole:.2f} s | {stock / whole:.2f} |")


if __name__ == "__main__":
    main()
