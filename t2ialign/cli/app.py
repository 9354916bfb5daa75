"""The application that every command joins."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="See, live, what aligning a text-to-image model does to the diversity of its pictures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
