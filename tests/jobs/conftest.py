"""A store, supervisors that look often, and workers that are gone when a test is over."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from t2ialign.jobs import process
from t2ialign.jobs.supervisor import Supervisor
from t2ialign.store import Store, open_store

PROGRAM = (sys.executable, str(Path(__file__).with_name("worker.py")))
PATIENCE = 300.0  # seconds; a starved machine is no failure
T = TypeVar("T")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder starts processes, and may wait for them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(2 * PATIENCE))


def until(look: Callable[[], T]) -> T:
    """What ``look`` gives as soon as it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)
    return found


@pytest.fixture(autouse=True)
def eager_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers as important as the tests: on a busy machine the others would wait long for their turn."""
    monkeypatch.setattr(process, "NICENESS", 0)


@pytest.fixture
def home(tmp_path: Path, new_store: Path) -> Iterator[Path]:
    """The folder of an empty store; whoever works for it at the end is killed."""
    home = tmp_path / "home"
    shutil.copytree(new_store, home)
    yield home
    for _, worker in process.members(home):
        worker.kill()


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with open_store(home) as store:
        yield store


@pytest.fixture
def supervisor(store: Store) -> Iterator[Supervisor]:
    with Supervisor(store, PROGRAM, poll_seconds=0.02, grace=0.3) as supervisor:
        yield supervisor


@pytest.fixture
def reaches(supervisor: Supervisor) -> Callable[..., None]:
    """Waits until a job has one of these statuses."""
    return lambda job, *statuses: until(lambda: supervisor.job(job).status in statuses)
