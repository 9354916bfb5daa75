"""A sweep on a cluster: the plan's missing tasks go out one by one, and come back as parcels for the store's inbox.

They go out in the plan's order, so that the early looks come first here too; a cell is at one machine at a time, which is sent
what the earlier stage drew. A machine that joins needs the same version of the package, the same weights, and of checkpoints
of one's own the folder ``checkpoints`` of the store at the same place; a cell that would be another one there is refused.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from t2ialign.engines.ray import run_on_ray
from t2ialign.jobs.precedence import give_way
from t2ialign.store import ingest_inbox
from t2ialign.store.parcels import files_in, pack, pack_cell, unpack
from t2ialign.types import InputError
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import score_batch
from t2ialign.use_cases.results import InboxResults
from t2ialign.use_cases.sweeps.plan import SweepPlan
from t2ialign.use_cases.sweeps.run import Left, SweepState, remaining_tasks, task_request
from t2ialign.use_cases.workbench import Workbench, bare_workbench

SUFFIX = ".parcel.parquet"


@dataclass(frozen=True)
class Cluster:
    """Where it runs. ``shards``: a folder that all machines reach, as s3://bucket/sweep; empty: results come back by Ray."""

    address: str = "auto"
    workers: int = 0
    shards: str = ""


@dataclass(frozen=True)
class RemoteCell:
    """What a worker is given: a request, the cell that it must be, and what is known of it already as a parcel."""

    request: BatchRequest
    cell: str
    known: bytes = b""


@dataclass(frozen=True)
class Delivery:
    """What comes back: a parcel, or the name of one in the shards' folder."""

    parcel: bytes
    name: str
    generated: int
    notes: tuple[str, ...]


def run_remote(
    bench: Workbench, plan: SweepPlan, cluster: Cluster, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[SweepState]:
    """Like ``run_sweep``: yields as tasks end. What lies in the shards' folder from before is taken in first."""
    begun = time.monotonic()
    for found in plan.benchmarks():
        bench.results.keep_benchmark(found)
    collect(bench, cluster.shards)
    todo, there = remaining_tasks(bench, plan)
    cells = sum(left.task.last for left in todo)
    state = SweepState(len(plan.cells) - cells, len(plan.cells), wanted=plan.pictures)
    state = replace(state, pictures=sum(one.pictures for one in there), phase="drawing" if todo else "done")
    yield state
    notes: dict[str, dict[str, None]] = {}
    made_by = partial(begin, bench.home, cluster.shards, bool(bench.results.elsewhere))
    send = partial(_sent, bench)
    work = run_on_ray(
        cluster.address, made_by, todo, send, cluster.workers, cancelled, lambda left: left.task.cell.cell
    )
    size, behind = sum(map(_size, todo)), 0
    for left, made in work:
        _keep(bench, cluster.shards, made)
        for note in made.notes:
            notes.setdefault(note, {})[left.task.cell.request.prompt.text] = None
        seconds, behind = time.monotonic() - begun, behind + _size(left)
        state = replace(
            state,
            done=state.done + left.task.last,
            generated=state.generated + made.generated,
            pictures=state.pictures + made.generated,
            seconds=seconds,
            remaining=seconds / behind * (size - behind),
            notes=tuple((note, tuple(prompts)) for note, prompts in notes.items()),
        )
        yield state
    if not cancelled():
        yield replace(state, phase="done", remaining=None, seconds=time.monotonic() - begun)


def _size(left: Left) -> int:
    """What a task counts in the time that is left; scoring alone is little, but not nothing."""
    return max(1, left.missing)


def begin(home: Path, shards: str, noting: bool) -> Callable[[RemoteCell], Delivery]:
    """What an actor works with: models that stay loaded, and a folder of its own for every cell.

    ``noting``: whoever asked cannot open the store, and finds its cells again by their notes.
    """
    return partial(_work, bare_workbench(home), shards, noting)


def _work(bench: Workbench, shards: str, noting: bool, item: RemoteCell) -> Delivery:
    home = bench.home
    with TemporaryDirectory(prefix="t2ialign-") as folder:
        scratch = Path(folder)
        if (home / "checkpoints").is_dir():
            (scratch / "checkpoints").symlink_to(home / "checkpoints", target_is_directory=True)
        unpack(scratch, item.known)
        before = set(files_in(scratch))
        *_, state = score_batch(replace(bench, results=InboxResults(scratch)), item.request, partial(_give_way, home))
        if state.cell != item.cell:
            raise InputError(
                f"A worker of the cluster has other weights of {item.request.checkpoint} than this machine: use the same "
                "version and the same checkpoints everywhere."
            )
        made = [path for path in files_in(scratch) if path not in before]
        made = [path for path in made if path.parts[-2] != "cells"] + (_notes(scratch) if noting else [])
        parcel = pack(scratch, made)
    name = _leave(shards, item.cell, parcel) if shards else ""
    return Delivery(b"" if name else parcel, name, state.generated, state.notes)


def _give_way(home: Path) -> bool:
    """Waits, at a step of an actor, while the page of this very machine serves somebody; never wants it to end."""
    give_way(home, lambda: False)
    return False


def _notes(scratch: Path) -> list[Path]:
    return sorted((scratch / "training" / "cells").glob("*.parquet"))


def _sent(bench: Workbench, left: Left) -> RemoteCell:
    """Pictures that are there already travel with the request: another machine might draw them a little differently."""
    cell, request = left.task.cell, task_request(left.task)
    if not left.there and left.task.fresh == len(request.seeds):
        return RemoteCell(request, cell.cell)
    bench.results.share_cell(cell.config, cell.request.prompt)
    return RemoteCell(request, cell.cell, pack_cell(bench.home, cell.cell))


def _keep(bench: Workbench, shards: str, made: Delivery) -> None:
    """Takes in what came back; of a parcel in the shards' folder, whatever lies there."""
    if made.name:
        collect(bench, shards)
        return
    unpack(bench.home, made.parcel)
    _ingest(bench)


def collect(bench: Workbench, shards: str) -> int:
    """Takes in every parcel of the shards' folder, each deleted once it is on this disk; returns how many there were."""
    if not shards:
        return 0
    from fsspec.core import url_to_fs

    files, root = url_to_fs(shards)
    files.makedirs(root, exist_ok=True)
    names = [name for name in files.ls(root, detail=False) if name.endswith(SUFFIX)]
    for name in sorted(names):
        unpack(bench.home, files.cat_file(name))
        files.rm_file(name)
    if names:
        _ingest(bench)
    return len(names)


def _leave(shards: str, cell: str, parcel: bytes) -> str:
    """Writes a parcel under a name that no reader takes for one, and gives it its own when it is whole."""
    from fsspec.core import url_to_fs

    files, root = url_to_fs(shards)
    files.makedirs(root, exist_ok=True)
    name = f"{root}/{cell}-{uuid.uuid4().hex}"
    files.pipe_file(f"{name}.part", parcel)
    files.mv(f"{name}.part", f"{name}{SUFFIX}")
    return f"{name}{SUFFIX}"


def _ingest(bench: Workbench) -> None:
    if not bench.results.elsewhere:
        ingest_inbox(bench.store)
