"""From what the losses of a step's parts found, over all processes, to one ``TrainStep``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.training.losses import LossTerms
from t2ialign.training.processes import Processes
from t2ialign.types import TrainStep

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class StepFindings:
    """One step's losses, one an example, and a row a picture: log-ratio, error gap, clamped, liked. On the CPU."""

    values: Float[Tensor, " b"]
    rows: Float[Tensor, "n 4"]

    @property
    def loss(self) -> float:
        return float(self.values.mean())


def collect(parts: Sequence[LossTerms], processes: Processes) -> StepFindings:
    """The parts of a step as one, from every process."""
    values = torch.cat([part.values for part in parts])
    columns = [(part.log_ratio, part.error_gap, part.clamped.float(), part.liked.float()) for part in parts]
    rows = torch.cat([torch.stack(part, 1) for part in columns])
    return StepFindings(processes.gather(values).float().cpu(), processes.gather(rows).float().cpu())


def train_step(step: int, found: StepFindings, grad_norm: float, learning_rate: float, seconds: float) -> TrainStep:
    """The record of step ``step`` (from 1)."""
    log_ratio, gap, clamped, liked = found.rows.unbind(1)
    sides = [liked > 0.5, liked < 0.5]
    win, lose = (log_ratio[side] for side in sides)
    return TrainStep(
        step=step,
        loss=found.loss,
        accuracy=_accuracy(log_ratio, sides, paired=len(log_ratio) == 2 * len(found.values)),
        log_ratio_quantiles=(_quantiles(win), _quantiles(lose)),
        error_win=_mean(gap[sides[0]]),
        error_lose=_mean(gap[sides[1]]),
        clamp_share=_mean(clamped),
        grad_norm=grad_norm,
        learning_rate=learning_rate,
        seconds=seconds,
        log_ratios=(tuple(win.tolist()), tuple(lose.tolist())),
    )


def _accuracy(log_ratio: Tensor, sides: Sequence[Tensor], paired: bool) -> float:
    """Ties count half, as at the first step, where the policy still is the reference."""
    if paired:
        signs = (log_ratio[sides[0]] - log_ratio[sides[1]]).sign()
    else:
        signs = log_ratio.sign() * torch.where(sides[0], 1.0, -1.0)
    return _mean(0.5 + 0.5 * signs)


def _quantiles(values: Tensor) -> tuple[float, ...]:
    return tuple(values.quantile(torch.tensor(QUANTILES)).tolist()) if len(values) else ()


def _mean(values: Tensor) -> float:
    return float(values.mean()) if len(values) else math.nan
