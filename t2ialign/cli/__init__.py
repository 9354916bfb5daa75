"""The command line: the page's use cases, JSON on stdout with ``--json``, progress on stderr, exit code 2 on bad input.

Heavy imports wait inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from t2ialign.cli import (
    checkpoints,
    jobs,
    measuring,
    noise,
    prompts,
    protocols,
    publish,
    report,
    runs,
    serve,
    spread,
    store,
    study,
    sweep,
    training,
    weights,
)
from t2ialign.cli.app import app
from t2ialign.cli.options import printable
from t2ialign.types import InputError

COMMANDS = (
    serve,
    runs,
    noise,
    sweep,
    checkpoints,
    jobs,
    measuring,
    training,
    study,
    store,
    weights,
    prompts,
    protocols,
    publish,
    report,
)  # modules whose commands have joined ``app``


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script (``arguments``: by default the process's own): bad input is one sentence and exit code 2."""
    try:
        app(arguments)
    except InputError as error:
        print(printable(f"t2ialign: {error}"), file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a file that cannot be looked at, read or written, wherever it was named
        if not error.filename:
            raise
        print(printable(f"t2ialign: {error.strerror}: {str(error.filename)[:200]}"), file=sys.stderr)
        sys.exit(2)
