"""The one training loop of the embedded world's own models: a resumable generator with one-cycle rate and EMA weights."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from t2ialign.files import whole_file


@dataclass(frozen=True)
class FitPlan:
    """How long and how fast: ``steps`` of AdamW at a one-cycle ``rate``; ``state`` is the file that a resumed run reads."""

    steps: int
    rate: float
    seed: int = 0
    ema: float = 0.999
    clip: float = 1.0
    weight_decay: float = 0.01
    save_every: int = 500
    state: Path | None = None
    bfloat16: bool = False


@dataclass(frozen=True)
class FitStep:
    """One finished step: the loss, the seconds since the start, and the averaged weights so far."""

    step: int
    loss: float
    seconds: float
    averaged: nn.Module


def fit(model: nn.Module, loss_of: Callable[[nn.Module, torch.Generator], Tensor], plan: FitPlan) -> Iterator[FitStep]:
    """Trains ``model`` in place and yields each step; ``averaged`` holds the EMA weights, which are the ones to ship.

    ``loss_of(model, draw)`` makes its own data from the generator, which is seeded by step, so a resumed run sees the data
    it would have seen.
    """
    device = next(model.parameters()).device
    averaged = copy.deepcopy(model).requires_grad_(False).eval()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=plan.rate, weight_decay=plan.weight_decay, betas=(0.9, 0.99), fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, plan.rate, plan.steps, pct_start=0.05)
    state = {"model": model, "averaged": averaged, "optimizer": optimizer, "schedule": schedule}
    first = _resume(state, plan.state)
    rng, start = torch.Generator(device), time.monotonic()
    model.train()
    for step in range(first, plan.steps):
        rng.manual_seed(plan.seed * 1_000_003 + step)
        with torch.autocast(device.type, torch.bfloat16, enabled=plan.bfloat16):
            loss = loss_of(model, rng)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(parameters, plan.clip)
        optimizer.step()
        schedule.step()
        decay = min(plan.ema, (step + 1) / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(averaged.parameters()), list(model.parameters()), 1 - decay)
            for mine, newest in zip(averaged.buffers(), model.buffers(), strict=True):
                mine.copy_(newest)
        if plan.state and (step + 1) % plan.save_every == 0:
            _save(state, plan.state, step + 1)
        if (step + 1) % 100 == 0 or step + 1 == plan.steps:
            yield FitStep(step + 1, loss.item(), time.monotonic() - start, averaged)


def _resume(state: dict[str, Any], path: Path | None) -> int:
    if path is None or not path.exists():
        return 0
    saved = torch.load(path, weights_only=True, map_location="cpu")
    for name, part in state.items():
        part.load_state_dict(saved[name])
    return int(saved["step"])


def _save(state: dict[str, Any], path: Path, step: int) -> None:
    with whole_file(path) as draft, draft.open("wb") as file:
        torch.save({"step": step, **{name: part.state_dict() for name, part in state.items()}}, file)
