"""Commands that publish: a checkpoint with its card (and back), and the page as a Space."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, StorePath, emit, printable

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


@app.command()
def pull(
    repo: Annotated[str, typer.Argument(help="What `push` made on the Hub, as USER/NAME, or USER/NAME@REVISION.")],
    name: Annotated[str, typer.Option(help="What it is called here (default: the repository's name).")] = "",
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Take in a checkpoint that `push` published, with its lineage, if its adapter is what its manifest names."""
    from t2ialign import settings
    from t2ialign.hub.checkpoint_repo import pull_checkpoint
    from t2ialign.use_cases.publish.receive import receive

    where, _, revision = repo.partition("@")
    with tempfile.TemporaryDirectory(prefix="t2ialign-pull-") as folder:
        pull_checkpoint(where, Path(folder), revision)
        entry = receive(store or settings.HOME, Path(folder), name or where.rpartition("/")[2])
    emit({"checkpoint": entry.name, "backbone": entry.backbone}, as_json, lambda: iter([f"{entry.name} is here."]))


@app.command()
def deploy(
    repo: Annotated[str, typer.Option(help="The Space, as USER/NAME.")],
    hardware: Annotated[str, typer.Option(help="The Hub's name of its machine.")] = "cpu-basic",
    title: Annotated[str, typer.Option(help="What stands above the Space.")] = "t2ialign",
    public: Annotated[bool, typer.Option("--public", help="A new Space that everyone sees (else private).")] = False,
    variable: Annotated[list[str] | None, typer.Option(help="A setting of the Space, as NAME=VALUE.")] = None,
    secret: Annotated[
        list[str] | None, typer.Option(help="A variable of this shell that becomes a secret, by name.")
    ] = None,
    torch_index: Annotated[str, typer.Option(help="Where pip takes torch: PyTorch's address of CPU builds.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be sent.")] = False,
    out: Annotated[Path | None, typer.Option(help="Keep the folder that is sent here.")] = None,
) -> None:
    """Put this page on the Hub as a Space; --dry-run shows every file, setting and secret before anything is sent."""
    from t2ialign.hub.space import SpacePlan, lines, push_space, write_space

    hidden = {name: _of_shell(name) for name in dict.fromkeys(secret or ())}
    made = "" if OWNER in (*hidden, *os.environ) else secrets.token_urlsafe(18)
    hidden = {OWNER: made or os.environ.get(OWNER, ""), **hidden}
    said = {"T2IALIGN_OWNERS": repo.partition("/")[0], **dict(map(_setting, variable or ()))}
    plan = SpacePlan(repo, hardware, title, not public, said, hidden, torch_index)
    with tempfile.TemporaryDirectory(prefix="t2ialign-space-") as name:
        folder = out or Path(name) / "space"
        files = write_space(plan, folder)
        for line in lines(plan, folder, files):
            print(printable(line))
        if dry_run:
            print("Nothing was sent. The same command without --dry-run sends it.")
            return
        print(push_space(plan, folder))
    if made:
        print(f"Your token as its owner, shown only now: {made}")


OWNER = "T2IALIGN_OWNER_TOKEN"


def _of_shell(name: str) -> str:
    from t2ialign.types import InputError

    if not os.environ.get(name):
        raise InputError(f"This shell has no variable {name}: export it first, so that its value can become a secret.")
    return os.environ[name]


def _setting(text: str) -> tuple[str, str]:
    from t2ialign.types import InputError

    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise InputError(f"{text[:40]!r} is no setting: write --variable NAME=VALUE.")
    return name, value
