"""A sweep on several devices at once."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import names, progress
from t2ialign.types import InputError


@app.command(context_settings={"ignore_unknown_options": True})
def spread(
    devices: Annotated[str, typer.Argument(help="Devices, separated by commas, as cuda:0,cuda:1.")],
    command: Annotated[list[str], typer.Argument(help="The sweep, as sweep --checkpoint base.")],
) -> None:
    """Run a sweep on several devices, a process with its own backbone on each; cells are spread over them."""
    if command[0] != "sweep":
        raise InputError(
            f"Only a sweep is spread over devices, not {command[0][:40]!r}: write spread cuda:0,cuda:1 sweep ..."
        )
    from t2ialign.engines.spread import run_on
    from t2ialign.store import ingest_inbox
    from t2ialign.use_cases.workbench import open_workbench, watched_inbox

    wanted = names(devices)
    with open_workbench(_store(command)) as bench:
        ours = not bench.results.elsewhere
        with watched_inbox(bench) if ours else nullcontext(), progress(f"sweeping on {len(wanted)} devices") as show:
            for fraction in run_on(wanted, [sys.executable, "-m", "t2ialign", *command]):
                show(fraction, None)
        if ours:
            ingest_inbox(bench.store)
    print("All cells are done." if ours else f"{bench.results.elsewhere}; it will take the results in from its inbox.")


def _store(command: list[str]) -> Path | None:
    """The folder that the sweep names with ``--store``."""
    for index, word in enumerate(command):
        if word.startswith("--store="):
            return Path(word.partition("=")[2]).expanduser()
        if word == "--store" and index + 1 < len(command):
            return Path(command[index + 1]).expanduser()
    return None
