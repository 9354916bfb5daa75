"""The ids of the tests that failed, where they are found: as the last lines of the output, and in a file for .ci/run."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

ROOM = 20_000  # characters; of a long log often only the end is kept


def listed(reporter: pytest.TerminalReporter, room: int = ROOM) -> list[str]:
    """How many failed, and their ids; where those are too long together, the files and how many failed in each."""
    failed = list(dict.fromkeys(one.nodeid for kind in ("failed", "error") for one in reporter.stats.get(kind, [])))
    if not failed:
        return []
    lines = failed
    if sum(map(len, failed)) + len(failed) > room:
        lines = [f"{file}: {count}" for file, count in Counter(name.partition("::")[0] for name in failed).items()]
    return [f"{len(failed)} failed:", *lines]


def say(config: pytest.Config, file: str = os.environ.get("FAILED_TESTS", "")) -> None:
    """Writes the list to the end of the output and into the file; workers of a run have none."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    text = "".join(f"{line}\n" for line in listed(reporter))
    if text:
        reporter.write(text, flush=True)
    if file:
        Path(file).write_text(text, encoding="utf-8")
