"""What chance decides in a step, from seed and step alone: the same on any machine, in any number of parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from t2ialign.training.plan import TrainPlan
from t2ialign.training.processes import Processes


@dataclass(frozen=True)
class Draw:
    """Which examples, at which timestep, under which noise, and which of them forget their prompt."""

    indices: Int[Tensor, " b"]
    timesteps: Int[Tensor, " b"]
    noise: Float[Tensor, "b c h w"]
    empty: Bool[Tensor, " b"]

    def parts(self, count: int, processes: Processes) -> Iterator[Draw]:
        """This process's share, in ``count`` equal parts."""
        size = len(self.indices) // (count * processes.count)
        for start in range(processes.rank * count * size, (processes.rank + 1) * count * size, size):
            yield self.rows(slice(start, start + size))

    def rows(self, rows: slice) -> Draw:
        return Draw(self.indices[rows], self.timesteps[rows], self.noise[rows], self.empty[rows])


def draw_step(plan: TrainPlan, step: int, examples: int, shape: tuple[int, ...], empty_prompts: float) -> Draw:
    """Step ``step``'s draw (from 0) for ``examples`` in the data and latents of ``shape``."""
    generator = torch.Generator().manual_seed(plan.seed * 1_000_003 + step)
    return Draw(
        epoch_order(plan, step, examples),
        torch.randint(*plan.timesteps, (plan.batch,), generator=generator),
        torch.randn((plan.batch, *shape), generator=generator),
        torch.rand(plan.batch, generator=generator) < empty_prompts,
    )


def epoch_order(plan: TrainPlan, step: int, examples: int) -> Int[Tensor, " b"]:
    """The examples of a step: each once an epoch, in an order of its own every epoch; batches may cross epochs."""
    first = step * plan.batch
    chosen: list[int] = []
    while len(chosen) < plan.batch:
        epoch, start = divmod(first + len(chosen), examples)
        generator = torch.Generator().manual_seed((plan.seed + 1) * 7_368_787 + epoch)
        order = torch.randperm(examples, generator=generator)[start : start + plan.batch - len(chosen)]
        chosen += order.tolist()
    return torch.tensor(chosen)
