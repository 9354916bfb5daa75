"""The public Python API: the page's and the command line's use cases as plain functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from t2ialign import settings
from t2ialign.limits import check_guidance_scale, check_prompt, check_seeds, check_steps
from t2ialign.names import unknown
from t2ialign.registry import BackboneEntry, load_registry
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import BatchState, score_batch
from t2ialign.use_cases.batches.usual import usual_of
from t2ialign.use_cases.workbench import Workbench, open_workbench

if TYPE_CHECKING:
    from t2ialign.diffusion.backbone import Backbone


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
    guidance_scale: float | None = None,
    seeds: Iterable[int] = range(16),
    num_inference_steps: int | None = None,
    home: Path | str | None = None,
    height: int = 0,
    width: int = 0,
) -> BatchState:
    """Generates, scores and stores a seed batch; ``.images`` by seed, ``.scores`` by metric, ``.notes`` in sentences.

    ``guidance_scale`` and ``num_inference_steps`` are by default what the model is usually drawn with (4.0 and 25 for most);
    ``height`` and ``width`` are in pixels, 0 for the size that the model is made for. Whole numbers may be Python's, numpy's
    or torch's; ``~`` in ``home`` is the home directory.

    Raises:
        InputError: bad input, in one sentence.
    """
    if not isinstance(checkpoint, str):
        raise InputError(f"A checkpoint is named by a text, as 'base', not {str(checkpoint)[:40]!r}.")
    kept = None if home is None else settings.expanded(home)
    usual = usual_of(checkpoint, kept)
    scale = check_guidance_scale(usual.guidance_scale if guidance_scale is None else guidance_scale)
    steps = check_steps(usual.steps if num_inference_steps is None else num_inference_steps)
    said = Prompt(check_prompt(prompt))
    request = BatchRequest(
        said, checkpoint, check_seeds(seeds), scale, steps, usual.scheduler, usual.guidance, height=height, width=width
    )
    with open_workbench(kept) as bench:
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
