"""What to do where a device has no room: smaller pieces, which are slower and no error, and said aloud."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor

FULL = ("can't allocate memory", "MPS backend out of memory")  # what torch has no class for


def out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the CPU, had no room left; torch has a class for the first and only words for the second."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in FULL)


def make_room() -> None:
    """Gives back what torch keeps for later."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def in_pieces(
    work: Callable[[Tensor], Tensor], batch: Tensor, tiled: Callable[[], AbstractContextManager[None]] | None = None
) -> Tensor:
    """``work`` on a whole batch; where that has no room, on its halves, and so on down to one; at last each within ``tiled()``.

    Raises:
        RuntimeError: not even one fits.
    """
    try:
        return work(batch)
    except RuntimeError as error:
        if not out_of_memory(error) or (len(batch) == 1 and tiled is None):
            raise
    make_room()
    if len(batch) == 1 and tiled is not None:
        with tiled():
            return work(batch)
    middle = len(batch) // 2
    return torch.cat([in_pieces(work, half, tiled) for half in (batch[:middle], batch[middle:])])
