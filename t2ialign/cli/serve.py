"""The command that shows the page, and what programs may ask of it."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from t2ialign import settings
from t2ialign.cli.app import app
from t2ialign.cli.options import StorePath
from t2ialign.types import InputError

if TYPE_CHECKING:
    from t2ialign.use_cases.workbench import Workbench

Host = Annotated[str, typer.Option(envvar="GRADIO_SERVER_NAME", help="Where to listen; 0.0.0.0 is every address here.")]
Port = Annotated[
    int | None,
    typer.Option(envvar="GRADIO_SERVER_PORT", min=1, max=65535, help="Port (default: the first free one from 7860)."),
]
RootPath = Annotated[
    str | None,
    typer.Option(envvar="GRADIO_ROOT_PATH", help="The page's path behind a proxy, e.g. /t2ialign."),
]


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = None,
    root_path: RootPath = None,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    store: StorePath = None,
) -> None:
    """Show the page until it is stopped, by Ctrl-C or by SIGTERM as Spaces are."""
    if port is not None:
        _check_free(host, port)
    home = store or settings.HOME
    where = {"server_name": host, "server_port": port, "root_path": root_path, "inbrowser": browser}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    gc.disable()  # until the page answers: what is made until then stays, and looking for waste in it takes a second
    try:
        _serve(home, where)
    finally:
        gc.enable()


def _serve(home: Path, where: Mapping[str, Any]) -> None:
    """The store, the services, the page; whatever is begun ends with it."""
    from t2ialign import dashboard
    from t2ialign.hub.results_dataset import kept_results, restore_results
    from t2ialign.hub.votes_dataset import kept_votes
    from t2ialign.use_cases.shipped import read_later
    from t2ialign.use_cases.workbench import open_workbench, watched_inbox

    if settings.RESULTS_DATASET:
        restore_results(home, settings.RESULTS_DATASET)
    with kept_votes(home, settings.VOTES_DATASET) as trouble, open_workbench(home, share=False, shipped=False) as bench:
        if settings.LENT_GPU:
            _borrow(bench)
        kept = kept_results(bench.store, settings.RESULTS_DATASET)
        with read_later(bench.store, _warm) as (reading, begin), watched_inbox(bench), _for_strangers(bench), kept:
            services = dashboard.open_services(bench, trouble, reading)
            with services.supervisor:
                dashboard.serve(services, begin, **where)


def _warm() -> None:
    """The libraries that draw pictures, imported while nobody waits for them."""
    from t2ialign.diffusion.pipelines import stock_pipeline
    from t2ialign.model_families import FAMILIES

    stock_pipeline(FAMILIES["sd"])


def _borrow(bench: Workbench) -> None:
    """Before the page is shown: the function that borrows a GPU, and the model that lies in memory for it."""
    from t2ialign.use_cases.lent_gpu import borrowing

    borrowing()
    registry = bench.registry()
    bench.backbone(registry.backbones[registry.checkpoints["base"].backbone])


@contextmanager
def _for_strangers(bench: Workbench) -> Iterator[None]:
    """Where a page has strangers: what its owner did is written down, and pictures have a bound."""
    from t2ialign.dashboard.shared import owner
    from t2ialign.use_cases.upkeep import bounded_pictures

    if not owner.guarded():
        yield
        return
    with owner.written_down(bench.home / "owner.log"), bounded_pictures(bench.store, settings.visitor_limits().disk_mb):
        yield


@app.command()
def api() -> None:
    """Print what programs may ask of the page, as docs/api.md has it."""
    from t2ialign.dashboard.api.reference import lines

    for line in lines():
        print(line)


def _check_free(host: str, port: int) -> None:
    """Says at once what would otherwise be found out when the page is ready."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        if os.name == "posix":  # a port whose last owner has just ended is free
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, TypeError, UnicodeError) as error:  # a name that is none is a TypeError
            reason = str(getattr(error, "strerror", None) or error).lower()
            raise InputError(
                f"The page cannot listen on port {port} of {host} ({reason}): name another one with --port or --host."
            ) from None
