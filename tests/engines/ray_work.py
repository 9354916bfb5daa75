"""What the tests' actors do: in a file of its own, for actors import it by its name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from t2ialign.types import InputError


def begin() -> Callable[[int], tuple[int, int]]:
    """Works for a moment; answers with the double and the process that made it."""
    begun = os.getpid()

    def work(number: int) -> tuple[int, int]:
        time.sleep(0.3)
        if number < 0:
            raise InputError(f"{number} is no number to double.")
        if number == 666:
            os._exit(1)
        assert os.getpid() == begun, "what was loaded stays in its process"
        return 2 * number, begun

    return work
