"""What `--help` says is what was written: square brackets in it are no markup."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from rich.text import Text

from t2ialign.cli import app


def _words(command: Any) -> Iterator[str]:
    yield command.help or ""
    for option in command.params:
        yield getattr(option, "help", None) or ""
    for below in getattr(command, "commands", {}).values():
        yield from _words(below)


def test_help_is_shown_as_it_is_written() -> None:
    said = list(_words(typer.main.get_command(app)))
    assert len(said) > 200 and any("\\[@revision]" in words for words in said)
    for words in said:
        assert Text.from_markup(words).plain == words.replace("\\[", "["), words
