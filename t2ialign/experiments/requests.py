"""What a person may ask for: one prompt, some seeds, one checkpoint, and how to sample and measure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from t2ialign.diffusion.inputs import check_prompt, check_seeds
from t2ialign.metrics import ALL, METRICS
from t2ialign.registry import unknown
from t2ialign.types import Prompt


@dataclass(frozen=True)
class BatchRequest:
    """One seed batch of one checkpoint. ``metrics`` empty means the short list (``metrics.DEFAULT``)."""

    prompt: Prompt
    checkpoint: str
    seeds: tuple[int, ...]
    guidance_scale: float = 4.0
    num_inference_steps: int = 25
    scheduler: str = "ddim"
    guidance: str = "cfg"
    guidance_params: tuple[tuple[str, float], ...] = ()
    negative_prompt: str = ""
    metrics: tuple[str, ...] = ()


def checked(request: BatchRequest) -> BatchRequest:
    """The request with its prompt tidied, its seeds and metrics known to be good.

    Raises:
        InputError: what is wrong with the first of them that is, in one sentence.
    """
    prompt = replace(request.prompt, text=check_prompt(request.prompt.text))
    return replace(request, prompt=prompt, seeds=check_seeds(request.seeds), metrics=check_metrics(request.metrics))


def check_metrics(names: Iterable[str]) -> tuple[str, ...]:
    """Known metric names, each once, or ``all`` alone. An unknown one is answered with the nearest."""
    chosen = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if chosen == ALL:
        return ALL
    for name in chosen:
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
    return chosen
