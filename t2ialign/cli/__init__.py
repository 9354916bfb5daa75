"""The command line: the page's use cases, JSON on stdout with ``--json``, progress on stderr, exit code 2 on bad input.

Heavy imports wait inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys

from t2ialign.cli import jobs, measuring, runs, study, training
from t2ialign.cli.app import app
from t2ialign.types import InputError

COMMANDS = (runs, jobs, measuring, training, study)  # modules whose commands have joined ``app``


def main() -> None:
    """The console script: bad input becomes one sentence on stderr and exit code 2."""
    try:
        app()
    except InputError as error:
        print(f"t2ialign: {error}", file=sys.stderr)
        sys.exit(2)
