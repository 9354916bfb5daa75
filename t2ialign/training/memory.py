"""When a batch does not fit into memory: find out which one does, and say so."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from t2ialign.training.plan import TrainPlan
from t2ialign.types import InputError


@contextmanager
def saying_what_fits(attempt: Callable[[int], object], size: int, plan: TrainPlan) -> Iterator[None]:
    """Turns running out of memory with ``size`` examples at once into an ``InputError`` that names a size that fits.

    ``attempt(k)`` evaluates k examples, gradients included.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    else:
        return
    fits = largest_that_fits(attempt, size)  # outside the handler: the traceback held the tensors
    if not fits:
        raise InputError(
            "Not even one example fits into this device's memory: choose a smaller backbone or a lower rank."
        )
    processes = plan.batch // (plan.accumulation * size)
    parts = plan.accumulation * -(-size // fits)
    while plan.batch % (parts * processes):
        parts += 1
    raise InputError(
        f"{size} examples at once do not fit into memory, {fits} do: set the batch to {plan.batch // size * fits}, "
        f"or keep it and set accumulation to {parts}."
    )


def largest_that_fits(attempt: Callable[[int], object], size: int) -> int:
    """Halves ``size`` until ``attempt`` succeeds; 0 where not even 1 does."""
    while size > 1:
        size //= 2
        release()
        try:
            attempt(size)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        else:
            return size
    return 0


def is_out_of_memory(error: Exception) -> bool:
    """Whether a GPU or the CPU's allocator says so."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, (RuntimeError, MemoryError)) and "allocate memory" in str(error)
    )


def release() -> None:
    """Gives back what nothing uses any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
