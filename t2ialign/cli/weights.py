"""Commands about the weights of models that others made: what is on this machine, and how the rest comes here."""

from __future__ import annotations

import sys
from typing import Annotated, no_type_check

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, StatusLine, StorePath, emit, printable

commands = typer.Typer(help="Weights of backbones and scorers: what is here, and fetching the rest.")
app.add_typer(commands, name="weights")


@commands.callback(invoke_without_command=True)
@no_type_check  # typer hands over the base class of what it calls a Context
def show(context: typer.Context, store: StorePath = None, as_json: JsonFlag = False) -> None:
    """List every weight of the registry: its size, where it lies, and which metrics want it."""
    if context.invoked_subcommand:
        return
    from t2ialign.registry import load_registry
    from t2ialign.use_cases import weights

    found = weights.list_weights(load_registry(home=store))
    emit(found, as_json, lambda: weights.lines(found))


@commands.command()
def fetch(
    names: Annotated[list[str], typer.Argument(help="Scorers, backbones or checkpoints of the registry.")],
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Fetch weights to this machine and check them; a broken download goes on where it broke."""
    from t2ialign.network import in_bytes
    from t2ialign.registry import load_registry
    from t2ialign.use_cases import weights

    status = StatusLine()

    def watch(what: str, done: int, total: int | None) -> None:
        of = f" of {in_bytes(total)} ({done / total:.0%})" if total else ""
        status.show(f"{what}: {in_bytes(done)}{of}")

    found = []
    for one in weights.fetch_weights(load_registry(home=store), names, watch):
        status.end()
        found.append(one)
        if one.problem:
            print(printable(f"t2ialign: {one.problem}"), file=sys.stderr)
        elif not as_json:
            print(printable(f"{one.name}: {one.place}"))
    emit(found, as_json, lambda: iter(()))
    if any(one.problem for one in found):
        raise typer.Exit(2)
