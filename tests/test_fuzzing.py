"""Foreign bytes end in an answer or in one sentence, whatever they are."""

from __future__ import annotations

import pytest

from tests.fuzzing import READERS, fuzz
from tests.repeats import times


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", READERS)
def test_no_traceback(name: str) -> None:
    found = fuzz(name, times(600, 2000))
    assert found.tried >= 500 and found.tracebacks == []
