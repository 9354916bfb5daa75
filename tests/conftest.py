"""What every test may rely on: a store of its own, no network, and marks that skip where their machine is missing."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import failures, shape_checks

shape_checks.install()
gc.disable()  # what is imported stays: looking through it again and again is a third of the time that a start takes

# Before the package is imported: its settings read the environment exactly once.
_HOME = tempfile.TemporaryDirectory(prefix="t2ialign-tests-")
os.environ.update(T2IALIGN_HOME=_HOME.name, T2IALIGN_DEVICE="cpu")
os.environ["OMP_NUM_THREADS"] = "1"  # sums are cut differently for several threads, and some tests compare bit for bit
os.environ.update(HF_HUB_OFFLINE="1", GRADIO_ANALYTICS_ENABLED="False", DO_NOT_TRACK="1")
for name in ("SPACE_ID", "T2IALIGN_OWNER_TOKEN", "T2IALIGN_CHECKPOINTS", "T2IALIGN_DATA"):
    os.environ.pop(name, None)


_connect = socket.socket.connect


def _connect_at_home(self: socket.socket, address: object) -> None:
    """``socket.connect`` that only reaches this machine: the suite must pass without a network."""
    host = address[0] if isinstance(address, tuple) else "localhost"
    if host not in ("localhost", "::1", "0.0.0.0") and not str(host).startswith("127."):
        raise ConnectionRefusedError(f"tests are offline, but something connects to {address}")
    _connect(self, address)


@pytest.fixture(scope="session", autouse=True)
def _offline() -> None:
    socket.socket.connect = _connect_at_home  # a whole session long, so monkeypatch does not serve


@pytest.hookimpl(trylast=True)  # the folders' own marks are there
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, so that no worker waits for another at the end; ``gpu`` tests may be skipped."""
    browser, slow = ({item.path for item in items if item.get_closest_marker(mark)} for mark in ("e2e", "slow"))
    items.sort(key=lambda item: (item.path not in browser, item.path not in slow))
    _skip_without_cuda(items)


def _skip_without_cuda(items: list[pytest.Item]) -> None:
    """Skips ``gpu`` tests where there is no CUDA device (torch is asked only when there are any)."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


LONG = 0.1  # seconds of a look for garbage
_looking = {"since": 0.0}


def _let_be_what_stays(phase: str, info: dict[str, int]) -> None:
    """Whatever a long look for garbage leaves is not looked through again: pages that were built, libraries that came later.

    Where an allocation out of a million pays for such a look is chance, and it took a test seconds.
    """
    if phase == "start":
        _looking["since"] = time.thread_time()
    elif info["generation"] == 2 and time.thread_time() - _looking["since"] > LONG:
        gc.freeze()


def pytest_collection_finish() -> None:
    if estimating := sys.modules.get("t2ialign.use_cases.align.estimate"):
        estimating.TIMED = 2  # pictures: 16 took 0.6 seconds of a processor, at the start of every training
    gc.freeze()
    gc.enable()
    gc.callbacks.append(_let_be_what_stays)


def pytest_sessionfinish() -> None:
    if _let_be_what_stays in gc.callbacks:
        gc.callbacks.remove(_let_be_what_stays)
    gc.unfreeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why a test had a second try, also where that one passed."""
    tried = terminalreporter.stats.get("rerun", [])
    if tried:
        terminalreporter.section("what failed at the first try")
    for report in tried:
        terminalreporter.section(report.nodeid, sep="_")
        terminalreporter.line(report.longreprtext)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last lines of a run with failures are their ids and nothing else."""
    failures.say(config)


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store just made, to be copied: making one takes longer than most tests of it."""
    from t2ialign.store import open_store

    home = tmp_path_factory.mktemp("new")
    open_store(home).close()
    return home


@pytest.fixture(scope="session")
def shipped_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store that has taken in the shipped results: copying it takes a fiftieth of the time.

    Of several workers the first makes it, and each has a copy of its own, because only one process can open a store.
    """
    from filelock import FileLock

    from t2ialign.use_cases.workbench import open_workbench

    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with FileLock(shared / "shipped.lock"):
        if not (made := shared / "shipped").exists():
            with open_workbench(own / "taking-in"):
                pass
            (own / "taking-in").rename(made)
    return shutil.copytree(made, tmp_path_factory.mktemp("shipped") / "home")


@pytest.fixture(scope="session")
def light_home(tmp_path_factory: pytest.TempPathFactory, new_store: Path) -> Path:
    """The folder of a store that has none of the shipped results and will not take them in: 3 MB to copy, and not 117."""
    from t2ialign import settings
    from t2ialign.store import open_store
    from t2ialign.store.images import digest
    from t2ialign.store.reference import PREFIX, untaken_reference

    home = shutil.copytree(new_store, tmp_path_factory.mktemp("light") / "home")
    with open_store(home) as store, store.transaction() as cursor:
        for file in untaken_reference(store, settings.DATA / "reference"):
            name = f"{PREFIX}{digest(file.read_bytes())}"
            cursor.execute("INSERT INTO ingested VALUES (?, now()::TIMESTAMP)", [name]).fetchall()
    return home


@pytest.fixture
def home(tmp_path: Path, shipped_home: Path) -> Iterator[Path]:
    """The folder of a store of one's own, with the shipped results; taken away afterwards, as a hundred of them are 12 GB."""
    yield shutil.copytree(shipped_home, tmp_path / "home")
    shutil.rmtree(tmp_path / "home", ignore_errors=True)


@pytest.fixture
def run(monkeypatch, capsys):
    """The console script within this process: ``run(...)`` returns exit code, stdout and stderr."""

    from t2ialign import cli

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["t2ialign", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        output = capsys.readouterr()
        return stopped.value.code or 0, output.out, output.err

    return call
