"""The public Python API: the page's and the command line's use cases as plain functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from t2ialign import settings
from t2ialign.diffusion.inputs import clean_prompt
from t2ialign.experiments.folders import picture_files, read_pictures
from t2ialign.experiments.reporting import FolderReport
from t2ialign.experiments.requests import BatchRequest, check_metrics
from t2ialign.experiments.score_batch import BatchState, score_batch
from t2ialign.experiments.scoring import Scorer
from t2ialign.experiments.workbench import Workbench, open_workbench
from t2ialign.types import Prompt, Score


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


def score_images(
    images: UInt8[Tensor, "n 3 h w"], prompt: str = "", metrics: Sequence[str] = (), scorers: Sequence[str] = ()
) -> dict[str, Score]:
    """Scores any pictures of one prompt; without ``metrics``, by the short list, with ``("all",)`` by every one.

    ``scorers`` are names of the registry; those of the pixels (SSIM, entropy, ...) need none.

    Raises:
        InputError: an unknown metric or scorer, or weights that cannot be reached.
    """
    device = settings.device()[0]
    bench = Workbench(settings.HOME, None, device, settings.dtype_for(device)[0])
    chosen, encoders = bench.scorers_for(scorers, check_metrics(metrics))
    return Scorer(Prompt(clean_prompt(prompt)), chosen, encoders).add_images(images, {})


def score_folder(folder: Path, prompt: str, metrics: Sequence[str], scorers: Sequence[str]) -> FolderReport:
    """Scores every picture of a folder."""
    files = picture_files(folder)
    scores = score_images(read_pictures(files), prompt, metrics, scorers or default_scorers(metrics))
    return FolderReport(tuple(path.name for path in files), scores)


def default_scorers(metrics: Sequence[str]) -> tuple[str, ...]:
    """The embedded world's scorers, which are on every machine, where a metric needs more than pixels."""
    from t2ialign.metrics import ALL, METRICS
    from t2ialign.registry import load_registry

    chosen = check_metrics(metrics)
    wanted = [] if chosen == ALL else [METRICS[name] for name in chosen]
    if wanted and all(set(metric.needs) <= {"images"} for metric in wanted):
        return ()
    return load_registry().backbones["shapes"].scorers
