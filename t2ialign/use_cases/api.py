"""The public Python API: the page's and the command line's use cases as plain functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from t2ialign import settings
from t2ialign.registry import BackboneEntry, load_registry, unknown
from t2ialign.types import Prompt
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import BatchState, score_batch
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
