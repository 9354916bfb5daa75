"""Odd input through everything that answers: the API, the command line, the page's events and its addresses.

    python -m benchmarks.fuzz            # more than 10,000 calls
    python -m benchmarks.fuzz --quick    # a tenth of it

All that is tried is what the application itself lists, in one process, with Hypothesis' values and a fixed seed. Nothing is
drawn, trained or fetched. A traceback of ours ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import tests.conftest  # a home of its own, and no network
from tests import fuzzing_calls, fuzzing_commands, fuzzing_page
from tests.fuzzing_calls import Tally

Attempts = Iterable[tuple[str, Callable[[], Tally]]]
CALLS, LINES, EVENTS = 300, 80, 14  # of each endpoint, command and event


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true", help="a tenth of it")
    share = 0.1 if asked.parse_args().quick else 1.0
    tests.conftest.socket.socket.connect = tests.conftest._connect_at_home  # type: ignore[method-assign,assignment]
    warnings.simplefilter("ignore")
    begun, found = time.process_time(), defaultdict(Tally)
    for attempts in everything(share):
        for name, attempt in attempts:
            add(found[row_of(name)], attempt())
    print("| asked | calls tried | answered | refused with a sentence | refused by Gradio | tracebacks |")
    print("|---|---:|---:|---:|---:|---:|")
    total = Tally()
    for name, tally in found.items():
        print(line(name, tally))
        add(total, tally)
    print(line("all", total))
    print(f"\n{datetime.now(UTC):%F}, {time.process_time() - begun:.0f} s of CPU")
    for trace in dict.fromkeys(total.tracebacks):
        print(trace, file=sys.stderr)
    sys.exit(1 if total.tracebacks else 0)


def everything(share: float) -> Iterator[Attempts]:
    """One surface after the other, each within its own stand-ins."""
    with fuzzing_calls.idle_services() as services:
        yield fuzzing_calls.attempts(services, max(2, int(share * CALLS)))
    with fuzzing_page.built_page() as page:
        yield fuzzing_page.attempts(page, max(2, int(share * EVENTS)))
    with fuzzing_commands.idle_commands():
        yield fuzzing_commands.attempts(list(fuzzing_commands.commands()), max(2, int(share * LINES)))


def row_of(name: str) -> str:
    """Events and addresses share a row each, commands one with those of the same first word."""
    if name.startswith(("event", "address")):
        return {"event": "events of the page", "address": "addresses of the page"}[name.partition(" ")[0]]
    return " ".join(name.split()[:2]).rstrip("`") + "`" if name.startswith("`t2ialign") else name


def add(total: Tally, one: Tally) -> None:
    total.tried += one.tried
    total.answered += one.answered
    total.by_others += one.by_others
    total.tracebacks += one.tracebacks


def line(name: str, one: Tally) -> str:
    failed = len(one.tracebacks)
    refused = one.tried - one.answered - one.by_others - failed
    return f"| {name} | {one.tried} | {one.answered} | {refused} | {one.by_others} | {failed} |"


if __name__ == "__main__":
    main()
