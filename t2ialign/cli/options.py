"""What the commands share: options, a progress line on stderr, and results as JSON or as lines."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from t2ialign import settings

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
StorePath = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="Folder of the store (default: T2IALIGN_HOME).",
        callback=lambda path: path and settings.expanded(path),
    ),
]
ReadStore = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="Folder of the store (default: T2IALIGN_HOME), or exported tables: a folder of Parquet files, hf://datasets/you/"
        "results, s3://bucket/results, ...",
        callback=lambda place: place if not place or "://" in place else str(settings.expanded(place)),
    ),
]
Checkpoint = Annotated[str, typer.Option(help="A checkpoint, a weighted one (name@0.7) or a blend (a@0.5+b@0.5).")]
Metrics = Annotated[
    str,
    typer.Option(
        help="Metrics, separated by commas. Empty: the short list; short,NAME: that and more; all: every one possible."
    ),
]
MoreScorers = Annotated[
    str,
    typer.Option("--scorers", help="Scorers of the registry to ask before the backbone's own, separated by commas."),
]


LOGGED = 10.0  # seconds between two lines of a log, which cannot be written over


@dataclass
class StatusLine:
    """A line on stderr that is written over as the work goes on; a log has new ones instead, now and then and the last."""

    shown: str = ""
    logged: str = ""
    when: float = -math.inf

    def show(self, line: str) -> None:
        """Another state of the work; nothing is written where it says the same."""
        line = printable(line)
        if line == self.shown:
            return
        if sys.stderr.isatty():
            print(f"\r{line.ljust(len(self.shown))}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self.when >= LOGGED:
            self._log(line)
        self.shown = line

    def end(self) -> None:
        """The line stays as it was last; what is shown after it is another."""
        if self.shown and sys.stderr.isatty():
            print(file=sys.stderr)
        elif self.shown != self.logged:
            self._log(self.shown)
        self.shown, self.logged, self.when = "", "", -math.inf

    def _log(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)
        self.logged, self.when = line, time.monotonic()


@contextmanager
def progress(label: str) -> Iterator[Callable[[float, float | None], None]]:
    """A line on stderr that shows how far the work is and how long it will still take; it ends however the work ends."""
    status = StatusLine()

    def show(fraction: float, remaining: float | None) -> None:
        left = f", about {remaining:.0f} s to go" if remaining else ""
        status.show(f"{label}: {fraction:4.0%}{left}")

    try:
        yield show
    finally:
        status.end()


def emit(result: Any, as_json: bool, lines: Callable[[], Iterator[str]]) -> None:
    from t2ialign.use_cases.reports.text import jsonable

    if as_json:
        print(json.dumps(jsonable(result)))
    else:
        for line in lines():
            print(printable(line))


def printable(text: str) -> str:
    """A text for a terminal: what others wrote (a title, a file's name) may hold codes that would move or colour it."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def names(text: str) -> tuple[str, ...]:
    """A comma-separated list, without its empty parts."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
