"""Deleting a checkpoint of one's own, taking that back, and renaming: its folder moves, its pictures and scores stay."""

from __future__ import annotations

import shutil
from pathlib import Path

from t2ialign.files import foreign
from t2ialign.store import list_jobs
from t2ialign.types import InputError
from t2ialign.use_cases import additions
from t2ialign.use_cases.align.job import KIND, WAITING, request_of
from t2ialign.use_cases.workbench import Workbench

FOLDER = "removed"


def own(bench: Workbench) -> set[str]:
    """The checkpoints that can be deleted: those of this store's folder."""
    folder = (bench.home / "checkpoints").resolve()
    found = bench.registry().checkpoints.values()
    return {entry.name for entry in found if entry.home is not None and folder in entry.home.resolve().parents}


def removed(bench: Workbench) -> list[str]:
    """What was deleted and can be had back."""
    folder = bench.home / FOLDER
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def remove(bench: Workbench, name: str) -> None:
    """Moves a checkpoint aside; one of the same name that was deleted before is gone for good.

    Raises:
        InputError: it is no checkpoint of this store, or a run is at work on it.
    """
    if name not in own(bench):
        raise InputError(
            f"{name} is not a checkpoint of this store, so it cannot be deleted: hide it on Trade-off instead."
        )
    _check_idle(bench, name)
    _move(bench.home / "checkpoints" / name, bench.home / FOLDER / name)


def restore(bench: Workbench, name: str) -> None:
    """Brings a deleted checkpoint back.

    Raises:
        InputError: none of this name was deleted, or there is another one by now.
    """
    if name not in removed(bench):
        raise InputError(f"No checkpoint called {name} was deleted here.")
    if name in bench.registry().checkpoints:
        raise InputError(f"There is another checkpoint called {name} by now: delete that one first.")
    _move(bench.home / FOLDER / name, bench.home / "checkpoints" / name)


def rename(bench: Workbench, old: str, new: str) -> None:
    """Gives a checkpoint of this store another name.

    Raises:
        InputError: as ``additions.rename`` says, or a run is at work on it.
    """
    _check_idle(bench, old)
    additions.rename(bench.home, old, new)


def _check_idle(bench: Workbench, name: str) -> None:
    if any(name in (request_of(job).name, request_of(job).parent) for job in list_jobs(bench.store, WAITING, KIND)):
        raise InputError(f"A training run needs {name}: wait for its end, or discard it first.")


def _move(source: Path, target: Path) -> None:
    with foreign(f"{source.name} could not be moved", "see to the disk and the folder's permissions"):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            shutil.rmtree(target)
        source.rename(target)
