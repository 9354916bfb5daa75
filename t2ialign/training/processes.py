"""Several processes that train one adapter, as ``accelerate launch`` starts them, on one machine or many.

Each process takes its share of every batch; gradients are averaged once a step. An adapter is small, so one exchange of
all its gradients is all that data parallelism needs, and the frozen UNet is wrapped in nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor

PATIENCE = timedelta(days=7)  # the others wait while the first one samples and measures


@dataclass(frozen=True)
class Processes:
    """This process among ``count``. ``device`` is its own: load the backbone there."""

    rank: int = 0
    count: int = 1
    device: str = "cpu"

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and talks to people."""
        return self.rank == 0

    def spread(self, tensors: Sequence[Tensor]) -> None:
        """Gives every process the first one's values."""
        if self.count > 1:
            from accelerate.utils import broadcast

            _unpack(broadcast(_pack(tensors)), tensors)

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replaces the tensors by their means over all processes."""
        if self.count > 1:
            from accelerate.utils import reduce

            _unpack(reduce(_pack(tensors), "mean"), tensors)

    def gather(self, rows: Tensor) -> Tensor:
        """The rows of all processes, this one's shape in each, in order of rank."""
        if self.count == 1:
            return rows
        from accelerate.utils import gather

        gathered: Tensor = gather(rows)
        return gathered

    def agree(self, word: str) -> str:
        """The first process's word, in every process; all must ask at the same place."""
        if self.count == 1:
            return word
        from accelerate.utils import broadcast_object_list

        heard: str = broadcast_object_list([word])[0]
        return heard

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            from accelerate import PartialState

            PartialState().wait_for_everyone()


ALONE = Processes()


def join(device: str) -> Processes:
    """This process's place among those that ``accelerate launch`` started; ``device`` as settings name it.

    Call it before loading anything: with several GPUs "cuda" becomes this process's own.
    """
    from accelerate import PartialState

    state = PartialState(cpu=device == "cpu", timeout=PATIENCE)
    if state.num_processes == 1:
        return Processes(device=device)
    return Processes(state.process_index, state.num_processes, str(state.device))


def _pack(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])


def _unpack(packed: Tensor, tensors: Sequence[Tensor]) -> None:
    for tensor, values in zip(tensors, torch.split(packed, [tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(values.view_as(tensor))
