"""Commands that publish."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, StorePath, emit

if TYPE_CHECKING:
    from t2ialign.use_cases.publish.trade_off import TradeOff


@app.command()
def push(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint that was trained or merged here.")],
    repo: Annotated[str, typer.Option(help="Where it goes on the Hub, as USER/NAME.")] = "",
    dry_run: Annotated[
        Path | None, typer.Option("--dry-run", help="Write the folder here instead, and send nothing.")
    ] = None,
    licence: Annotated[str, typer.Option(help="The Hub's identifier of its licence, such as openrail++.")] = "",
    public: Annotated[
        bool, typer.Option("--public", help="A new repository that everyone sees (else private).")
    ] = False,
    benchmark: Annotated[
        str, typer.Option(help="Title or key of the benchmark set (default: that with most runs).")
    ] = "",
    x: Annotated[str, typer.Option(help="The card's metric of alignment (default: the best known one).")] = "",
    y: Annotated[str, typer.Option(help="The card's metric of diversity (default: the best known one).")] = "",
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Publish a checkpoint with a card that says what it gained and what that cost in diversity, with intervals."""
    from t2ialign.types import InputError
    from t2ialign.use_cases.publish.folder import write_folder
    from t2ialign.use_cases.workbench import open_workbench

    if (dry_run is None) == (not repo):
        raise InputError("Say where to: --repo USER/NAME sends it to the Hub, --dry-run FOLDER only writes the folder.")
    with tempfile.TemporaryDirectory(prefix="t2ialign-push-") as name, open_workbench(store, share=False) as bench:
        folder = dry_run or Path(name) / checkpoint
        found = write_folder(bench, checkpoint, folder, licence, benchmark, x, y)
        where = str(folder)
        if repo:
            from t2ialign.hub.checkpoint_repo import push_checkpoint

            where = push_checkpoint(folder, repo, private=not public)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    emit({"where": where, "bytes": size, "licence": licence}, as_json, lambda: _lines(found, where, size, licence))


def _lines(found: TradeOff, where: str, size: int, licence: str) -> Iterator[str]:
    from t2ialign.tradeoff.arrows import in_a_sentence

    yield f"{where} ({size / 1e6:.1f} MB)"
    yield in_a_sentence(found.usual, found.x, found.y)
    if not licence:
        yield "The card names no licence, so nobody may use it: say --licence, as the base's licence allows."
