"""The public Python API: the page's and the command line's use cases as plain functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtyping import UInt8
from torch import Tensor

from t2ialign import settings
from t2ialign.experiments.folders import read_pictures
from t2ialign.experiments.reporting import FolderReport
from t2ialign.experiments.requests import BatchRequest, check_metrics, picture_files
from t2ialign.experiments.score_batch import BatchState, score_batch
from t2ialign.experiments.scoring import Scorer
from t2ialign.experiments.workbench import Workbench, bare_workbench, open_workbench
from t2ialign.limits import clean_prompt
from t2ialign.metrics import ALL
from t2ialign.registry import BackboneEntry, load_registry, unknown
from t2ialign.types import InputError, Metric, Prompt, Score

if TYPE_CHECKING:
    from t2ialign.diffusion.backbone import Backbone

SMALLEST = 11  # pixels: the window of SSIM


def run_request(
    bench: Workbench, request: BatchRequest, watch: Callable[[BatchState], None] = lambda state: None
) -> BatchState:
    """Runs a request to its end, showing every state to ``watch``."""
    for state in score_batch(bench, request):
        watch(state)
    return state


def generate(
    prompt: str,
    checkpoint: str = "base",
    guidance_scale: float = 4.0,
    seeds: Sequence[int] = tuple(range(16)),
    num_inference_steps: int = 25,
    home: Path | None = None,
) -> BatchState:
    """Generates, scores and stores a seed batch; ``.images`` by seed, ``.scores`` by metric.

    Raises:
        InputError: bad input, in one sentence.
    """
    request = BatchRequest(Prompt(prompt), checkpoint, tuple(seeds), guidance_scale, num_inference_steps)
    with open_workbench(home) as bench:
        return run_request(bench, request)


def load_backbone(name: str | BackboneEntry = "shapes", device: str = "", dtype: str = "") -> Backbone:
    """A frozen base model by its name in the registry (``shapes``, ``sd-1.5``, ...) or by an entry of one's own.

    ``device`` and ``dtype`` are by default this machine's. What lies on the Hub is fetched at first use.

    Raises:
        InputError: an unknown name or precision, or weights that are damaged or out of reach.
    """
    from t2ialign.diffusion import backbone

    known = load_registry().backbones
    if isinstance(name, str) and name not in known:
        raise unknown("backbone", name, known)
    entry = known[name] if isinstance(name, str) else name
    device = device or settings.device()[0]
    return backbone.load_backbone(entry, device, dtype or entry.dtype or settings.dtype_for(device)[0])


def score_images(
    images: UInt8[Tensor, "n 3 h w"], prompt: str = "", metrics: Sequence[str] = (), scorers: Sequence[str] = ()
) -> dict[str, Score]:
    """Scores any pictures of one prompt; without ``metrics``, by the short list, with ``("all",)`` by every one.

    ``scorers`` are names of the registry; those of the pixels (SSIM, entropy, ...) need none. What cannot be measured
    (faithfulness to a prompt without a prompt, differences of a single picture) is left out, or answered with a
    sentence where it was asked for by name.

    Raises:
        InputError: an unknown metric or scorer, weights that cannot be reached, or pictures that are too small.
    """
    said, asked = Prompt(clean_prompt(prompt)), check_metrics(metrics)
    height, width = images.shape[2:]
    if min(height, width) < SMALLEST:
        raise InputError(
            f"Pictures of {width} x {height} pixels are too small to be measured: {SMALLEST} a side, at least."
        )
    bench = bare_workbench()
    for name in scorers:  # those that are named must be there
        bench.encoder(name)
    chosen, encoders = bench.scorers_for(scorers, asked)
    obstacles = {metric.name: _obstacle(metric, len(images), said) for metric in chosen}
    if asked not in ((), ALL):
        for name in asked:
            if obstacles[name]:
                raise InputError(f"'{name}' {obstacles[name]}.")
    possible = [metric for metric in chosen if not obstacles[metric.name]]
    scores = Scorer(said, possible, encoders).add_images(images, {})
    return {name: score for name, score in scores.items() if name in asked or not score.values.isnan().all()}


def _obstacle(metric: Metric, pictures: int, prompt: Prompt) -> str:
    """Why a metric cannot be measured on pictures from elsewhere; empty where it can."""
    if set(metric.needs) & {"mutual_information", "mutual_information_released"}:
        return (
            f"is measured while a picture is sampled; ask for '{metric.name.removesuffix('_released')}_renoise' instead"
        )
    if metric.axis == "alignment" and metric.name != "aesthetic" and not prompt.text:
        return "compares pictures with their prompt; say what they were to show with --prompt"
    if metric.level != "image" and pictures < 2:
        return "compares pictures with each other; give it a folder of at least two"
    return ""


def score_folder(folder: Path, prompt: str, metrics: Sequence[str], scorers: Sequence[str]) -> FolderReport:
    """Scores every picture of a folder."""
    files = picture_files(folder)
    scores = score_images(read_pictures(files), prompt, metrics, scorers or default_scorers(metrics))
    return FolderReport(tuple(path.name for path in files), scores)


def default_scorers(metrics: Sequence[str]) -> tuple[str, ...]:
    """The embedded world's scorers, which are on every machine, where a metric needs more than pixels."""
    from t2ialign.metrics import METRICS

    chosen = check_metrics(metrics)
    wanted = [] if chosen == ALL else [METRICS[name] for name in chosen]
    if wanted and all(set(metric.needs) <= {"images"} for metric in wanted):
        return ()
    return load_registry().backbones["shapes"].scorers
