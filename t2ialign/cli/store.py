"""Commands that look after a store: check, repair, backup, export, import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from t2ialign import settings
from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, StorePath, emit

if TYPE_CHECKING:
    from t2ialign.store.upkeep import Health

commands = typer.Typer(help="Look after a store: check it, take in what waits, save it, write it out, read it in.")
app.add_typer(commands, name="store")

Folder = Annotated[Path, typer.Argument(callback=settings.expanded)]


@commands.command("check")
def check_store(store: StorePath = None, as_json: JsonFlag = False) -> None:
    """Read every row, look for rows that belong to nothing and for lost pictures; exit code 1 where something is wrong."""
    from t2ialign.store import open_store
    from t2ialign.store.upkeep import check

    with open_store(store or settings.HOME, read_only_ok=True) as opened:
        found = check(opened)
    emit({**asdict(found), "sound": found.sound}, as_json, lambda: _health_lines(found))
    raise typer.Exit(0 if found.sound else 1)


@commands.command()
def repair(store: StorePath = None, as_json: JsonFlag = False) -> None:
    """Take in what shards and the inbox hold, and those set aside once more; says what was taken and what was not."""
    from t2ialign.store import open_store
    from t2ialign.use_cases.upkeep import repair as mend

    with open_store(store or settings.HOME) as opened:
        said = mend(opened)
    emit(said, as_json, lambda: iter(said))


@commands.command()
def backup(path: Folder, store: StorePath = None) -> None:
    """Copy the store with its pictures, votes and checkpoints into a new folder, which opens like any other."""
    from t2ialign.store import open_store
    from t2ialign.store.upkeep import backup as copy

    with open_store(store or settings.HOME) as opened:
        print(f"{copy(opened, path)} holds a copy: open it with --store.")


@commands.command()
def export(
    path: Folder,
    pictures: Annotated[bool, typer.Option("--pictures", help="The picture files too.")] = False,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Write every table as a Parquet file into a new folder."""
    from t2ialign.store import open_store
    from t2ialign.store.upkeep import write_tables

    with open_store(store or settings.HOME) as opened:
        written = write_tables(opened, path, pictures)
    emit(written, as_json, lambda: (f"{name}: {rows} rows" for name, rows in written.items()))


@commands.command("import")
def import_tables(path: Folder, store: StorePath = None, as_json: JsonFlag = False) -> None:
    """Take in what `export` wrote, all of it or nothing; what is there already stays as it is."""
    from t2ialign.store import open_store
    from t2ialign.store.upkeep import read_tables

    with open_store(store or settings.HOME) as opened:
        new = read_tables(opened, path)
    emit(new, as_json, lambda: (f"{name}: {rows} new rows" for name, rows in new.items()))


def _health_lines(found: Health) -> Iterator[str]:
    for table, rows in found.rows.items():
        yield f"{table}: {rows} rows"
    if found.thumbnails_only:
        yield (
            f"{found.thumbnails_only} pictures are here as thumbnails alone, or as scores alone: shipped ones come so; of your "
            "own ones the files are gone."
        )
    if found.waiting:
        yield f"{found.waiting} shards wait in the inbox: `t2ialign store repair` takes them in."
    yield from found.wrong
    yield "The store is sound." if found.sound else f"{len(found.wrong)} things are wrong."
