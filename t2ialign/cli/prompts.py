"""Commands about prompt sets: what there is, one imported from elsewhere, one shown, one removed."""

from __future__ import annotations

import sys
from typing import Annotated, no_type_check

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, StorePath, emit, printable
from t2ialign.use_cases.batches import prompt_sets

commands = typer.Typer(help="Prompt sets: list them, import one from a file or the Hub, show or remove one.")
app.add_typer(commands, name="prompts")


@commands.callback(invoke_without_command=True)
@no_type_check  # typer hands over the base class of what it calls a Context
def show(context: typer.Context, store: StorePath = None, as_json: JsonFlag = False) -> None:
    """List the prompt sets that sweeps, training, benchmark sets and the page can choose."""
    if context.invoked_subcommand:
        return
    for problem in prompt_sets.unreadable(store):
        print(printable(problem), file=sys.stderr)
    listed, found = [*prompt_sets.names(), *prompt_sets.own_names(store)], prompt_sets.every(store)
    rows = [prompt_sets.summary(name, store) for name in listed if name in found]
    wide = max(len(row.name) for row in rows)
    emit(rows, as_json, lambda: (prompt_sets.line(row, wide) for row in rows))


@commands.command("import")
def import_set(
    source: Annotated[
        str, typer.Argument(help="A file, a folder, or of the Hub org/name\\[/file or folder]\\[@revision].")
    ],
    name: Annotated[str, typer.Option(help="What to call it (default: as its source is called).")] = "",
    split: Annotated[str, typer.Option(help="Of several splits this one: train, val, test or all.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many prompts, at even distances (0: all).")] = 0,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Keep prompts from elsewhere as a named set. T2I-CompBench, HPSv2, PartiPrompts, DrawBench, GenEval, ... as published."""
    from t2ialign.use_cases.batches.prompt_import import ImportOptions, import_prompts

    card = import_prompts(
        source, ImportOptions(name, split, limit), store, lambda note: print(printable(note), file=sys.stderr)
    )
    emit(card, as_json, lambda: iter([prompt_sets.line(prompt_sets.summary(card.name, store))]))


@commands.command("show")
def show_set(
    name: Annotated[str, typer.Argument(help="A prompt set, or a part of one as set:category.")],
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Print the prompts of a set, each after its category, and where it comes from."""
    found = prompt_sets.load(name, home=store)
    card = prompt_sets.card_of(name, store)
    if card and not as_json:
        for note in (f"from {card.source}, licence: {card.licence or 'none stated'}", *card.notes):
            print(printable(note), file=sys.stderr)
    emit(found, as_json, lambda: (f"{one.category or '-'} | {one.text}" for one in found))


@commands.command()
def remove(name: Annotated[str, typer.Argument(help="A set that was imported.")], store: StorePath = None) -> None:
    """Delete an imported set; pictures and scores of its prompts stay."""
    prompt_sets.remove(name, store)
    print(f"{name} is removed; what was drawn of it stays.")
