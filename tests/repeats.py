"""How often a test that waits for bad luck tries: a few times as a rule, in full with ``T2IALIGN_THOROUGH=1``."""

from __future__ import annotations

import os


def times(usual: int, thorough: int) -> int:
    """A number of repetitions for this run of the suite."""
    return thorough if os.environ.get("T2IALIGN_THOROUGH") == "1" else usual
