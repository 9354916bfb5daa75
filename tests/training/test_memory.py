"""Finding out which batch fits."""

from __future__ import annotations

import pytest
import torch

from t2ialign.training.memory import is_out_of_memory, largest_that_fits, saying_what_fits
from t2ialign.training.plan import TrainPlan
from t2ialign.types import InputError


def attempt_up_to(limit: int):
    def attempt(size: int) -> None:
        if size > limit:
            raise RuntimeError(
                f"[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: {size}"
            )

    return attempt


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "limit", "fits"), [(16, 5, 4), (16, 15, 8), (2, 1, 1), (12, 3, 3), (16, 0, 0), (1, 0, 0)]
)
def test_halves_until_it_fits(size: int, limit: int, fits: int):
    assert largest_that_fits(attempt_up_to(limit), size) == fits


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plan", "size", "sentence"),
    [
        (TrainPlan(batch=16), 16, "set the batch to 4, or keep it and set accumulation to 4"),
        (TrainPlan(batch=16, accumulation=2), 8, "set the batch to 8, or keep it and set accumulation to 4"),
        (
            TrainPlan(batch=32, accumulation=2),
            8,
            "set the batch to 16, or keep it and set accumulation to 4",
        ),  # 2 processes
        (TrainPlan(batch=14), 14, "set the batch to 3, or keep it and set accumulation to 7"),
    ],
)
def test_sentence(plan: TrainPlan, size: int, sentence: str):
    attempt = attempt_up_to(5)
    with pytest.raises(InputError, match=sentence), saying_what_fits(attempt, size, plan):
        attempt(size)


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match="shapes"), saying_what_fits(attempt_up_to(1), 4, TrainPlan()):
        raise RuntimeError("shapes differ")
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    real = pytest.raises(RuntimeError, torch.empty, 2**60)
    assert is_out_of_memory(real.value) or "size" in str(real.value)
