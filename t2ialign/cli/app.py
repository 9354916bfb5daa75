"""The application that every command joins."""

from __future__ import annotations

from typing import Annotated

import typer

from t2ialign import __version__, settings

app = typer.Typer(
    help="See, live, what aligning a text-to-image model does to the diversity of its pictures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> bool:
    if wanted:
        print(f"t2ialign {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What is the same for every command."""
    settings.check_shipped()
