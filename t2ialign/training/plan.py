"""How long, how fast and how exactly an adapter is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from t2ialign.types import InputError

Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: dict[str, Precision] = {precision: precision for precision in get_args(Precision)}


@dataclass(frozen=True)
class TrainPlan:
    """One run of AdamW (betas 0.9 and 0.999, weight decay 0.01) at a constant rate after ``warmup`` linear steps.

    ``batch`` is the number of examples (pairs count once) of one step over all processes; each process evaluates its
    share in ``accumulation`` parts, one after the other. Neither changes what a step learns from. ``grad_clip`` 0 means
    no clipping, ``ema`` 0 no averaging of the weights (0.999 is usual). ``timesteps``: drawn from [first, end).
    ``precision`` is that of the networks' activations; weights, losses and the optimizer stay in float32. ``save_every``
    and ``probe_every`` count steps, 0 = never in between; ``train`` saves, its caller probes.
    """

    steps: int = 300
    batch: int = 16
    accumulation: int = 1
    learning_rate: float = 1e-4
    warmup: int = 0
    grad_clip: float = 1.0
    ema: float = 0.0
    timesteps: tuple[int, int] = (0, 1000)
    precision: Precision = "float32"
    seed: int = 0
    save_every: int = 50
    probe_every: int = 50

    def rate(self, step: int) -> float:
        """The learning rate of the step with that index (from 0)."""
        return self.learning_rate * min(1.0, (step + 1) / max(1, self.warmup))


def check_plan(plan: TrainPlan, examples: int, processes: int, train_timesteps: int) -> None:
    """Refuses, with one sentence, a plan that cannot be carried out."""
    first, end = plan.timesteps
    parts = plan.accumulation * processes
    complaints = [
        (examples < 1, "There is nothing to train on: choose a source with at least one example."),
        (plan.steps < 1, "The number of steps must be at least 1."),
        (plan.batch < 1 or plan.accumulation < 1, "Batch and accumulation must be at least 1."),
        (
            parts > 0 and plan.batch % parts != 0,
            f"A batch of {plan.batch} cannot be cut into {parts} equal parts (accumulation times processes): "
            f"make it a multiple of {parts}.",
        ),
        (
            not (math.isfinite(plan.learning_rate) and plan.learning_rate > 0),
            f"The learning rate must be a number above 0, not {plan.learning_rate:g}.",
        ),
        (min(plan.warmup, plan.save_every, plan.probe_every) < 0, "Numbers of steps must not be negative."),
        (not plan.grad_clip >= 0, "The gradient clip must not be negative; 0 means none."),
        (not 0 <= plan.ema < 1, "The average's decay must be at least 0 and below 1; 0 means no average."),
        (
            not 0 <= first < end <= train_timesteps,
            f"Timesteps must lie between 0 and {train_timesteps}, the first before the last, not {first} to {end}.",
        ),
    ]
    for wrong, sentence in complaints:
        if wrong:
            raise InputError(sentence)
