"""Commands about checkpoints: what can be chosen, and one's own added, renamed, annotated, deleted and brought back."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, no_type_check

import typer

from t2ialign import settings
from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, StatusLine, StorePath, emit, printable, progress
from t2ialign.types import InputError

commands = typer.Typer(help="Checkpoints: what can be chosen; add one from elsewhere, rename, annotate, delete it.")
app.add_typer(commands, name="checkpoints")

MakersSteps = Annotated[int | None, typer.Option(help="Steps that its makers draw with (0: its backbone's).")]
MakersScale = Annotated[float | None, typer.Option(help="CFG that its makers draw with (0: its backbone's).")]
MakersScheduler = Annotated[str | None, typer.Option(help='Scheduler that its makers draw with ("": its backbone\'s).')]


@commands.callback(invoke_without_command=True)
@no_type_check  # typer hands over the base class of what it calls a Context
def show(
    context: typer.Context,
    markdown: Annotated[bool, typer.Option("--markdown", help="What each trained one gained and lost.")] = False,
    remove: Annotated[str, typer.Option(help="Delete one of your own; its pictures and scores stay.")] = "",
    restore: Annotated[str, typer.Option(help="Bring a deleted one back.")] = "",
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """List what can be chosen as a checkpoint; delete one of your own, or bring it back."""
    if context.invoked_subcommand:
        return
    if remove or restore:
        _move_checkpoint(remove, restore, store)
        return
    from t2ialign.registry import load_registry
    from t2ialign.use_cases.reports.text import checkpoint_rows

    found = load_registry(home=store)
    for problem in found.problems:
        print(printable(problem), file=sys.stderr)
    if markdown:
        from t2ialign.use_cases.reports import checkpoint_table

        typer.echo(checkpoint_table.markdown(found), nl=False)
        return
    rows = checkpoint_rows(found.checkpoints.values())
    emit(rows, as_json, lambda: _columns(rows))


def _columns(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Name, backbone and title, each column as wide as its longest."""
    wide, broad = (max((len(row[key]) for row in rows), default=0) for key in ("name", "backbone"))
    return (f"{row['name']:<{wide}} {row['backbone']:<{broad}} {row['title']}" for row in rows)


def _move_checkpoint(remove: str, restore: str, store: Path | None) -> None:
    from t2ialign.use_cases.align import removal
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store, share=False) as bench:
        if remove:
            removal.remove(bench, remove)
            print(f"{remove} is deleted; `checkpoints --restore {remove}` brings it back.")
        if restore:
            removal.restore(bench, restore)
            print(f"{restore} is back.")


@commands.command()
def add(
    source: Annotated[
        str, typer.Argument(help="A file or folder, or of the Hub org/name\\[/file or folder]\\[@revision].")
    ],
    name: Annotated[str, typer.Option(help="What to call it (default: as its source is called).")] = "",
    title: Annotated[str, typer.Option(help="What menus say.")] = "",
    backbone: Annotated[str, typer.Option(help="The backbone it was made for (default: the one that it fits).")] = "",
    note: Annotated[str, typer.Option(help="A line about it.")] = "",
    licence: Annotated[str, typer.Option(help="Its licence (default: as the Hub states it).")] = "",
    steps: MakersSteps = None,
    guidance_scale: MakersScale = None,
    scheduler: MakersScheduler = None,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Add a LoRA, a DoRA or a whole UNet from elsewhere; it is checked before it is listed."""
    from t2ialign.network import in_bytes
    from t2ialign.use_cases import additions
    from t2ialign.use_cases.reports.text import checkpoint_rows

    status = StatusLine()
    granted: list[str] = []

    def watch(done: int, total: int | None) -> None:
        status.show(f"{source}: {in_bytes(done)}{f' of {in_bytes(total)}' if total else ''}")

    words = additions.Words(name, title, backbone, note, licence, steps, guidance_scale, scheduler)
    try:
        entry = additions.add(store or settings.HOME, source, words, watch, granted.append)
    finally:
        status.end()
    for sentence in granted:
        print(printable(sentence), file=sys.stderr)
    emit(checkpoint_rows([entry])[0], as_json, lambda: additions.lines(entry))


@commands.command()
def preview(
    names: Annotated[
        list[str] | None, typer.Argument(help="Checkpoints (none: every one whose weights are here).")
    ] = None,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Draw the strip of four pictures that menus show of a checkpoint; what is there is not drawn again."""
    from t2ialign.names import unknown
    from t2ialign.use_cases import previews
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store) as bench:
        known = bench.registry().checkpoints
        for name in names or ():
            if name not in known:
                raise unknown("checkpoint", name, known)
        made, failed = {}, False
        for name in names or known:
            strip = previews.strip_of(bench, name)
            if strip is None:
                if names:
                    raise InputError(f"The weights of {name} are not on this machine: `weights fetch {name}` first.")
                continue
            try:
                with progress(name) as watch:
                    for fraction in previews.draw_strip(bench, strip):
                        watch(fraction, None)
                made[name] = str(strip.file)
            except InputError as error:  # one that cannot be loaded costs the others nothing
                failed = True
                print(printable(f"t2ialign: {error}"), file=sys.stderr)
    emit(made, as_json, lambda: (printable(f"{name}: {file}") for name, file in made.items()))
    if failed:
        raise typer.Exit(2)


@commands.command()
def rename(
    old: Annotated[str, typer.Argument(help="A checkpoint of your own.")],
    new: Annotated[str, typer.Argument(help="Its new name.")],
    store: StorePath = None,
) -> None:
    """Give a checkpoint of your own another name; pictures that are stored keep the old one."""
    from t2ialign.use_cases.align import removal
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store, share=False) as bench:
        removal.rename(bench, old, new)
    print(f"{old} is {new} now; what it drew before is stored under {old}.")


@commands.command()
def note(
    name: Annotated[str, typer.Argument(help="A checkpoint of your own.")],
    words: Annotated[str, typer.Argument(help="The note; it replaces the former one.")] = "",
    title: Annotated[str, typer.Option(help="What menus say.")] = "",
    licence: Annotated[str, typer.Option(help="Its licence.")] = "",
    steps: MakersSteps = None,
    guidance_scale: MakersScale = None,
    scheduler: MakersScheduler = None,
    store: StorePath = None,
) -> None:
    """Write a note on a checkpoint of your own, or its title, its licence, or what its makers draw with."""
    from t2ialign.use_cases import additions

    said = additions.Words("", title, "", words, licence, steps, guidance_scale, scheduler)
    entry = additions.annotate(store or settings.HOME, name, said)
    print(printable(f"{entry.name}: {entry.title} {entry.note}".strip()))
