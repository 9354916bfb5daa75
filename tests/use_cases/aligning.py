"""Tiny training runs: a workbench of its own and requests that take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from t2ialign import store
from t2ialign.methods import METHODS
from t2ialign.use_cases.align.request import AlignRequest
from t2ialign.use_cases.align.train import AlignState, align
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import Workbench

SHORT = {
    "prompt_count": 2,
    "candidates": 3,
    "sampling_steps": 2,
    "probe_every": 0,
    "test_prompts": 0,
    "test_seeds": 2,
    "batch_size": 2,
    "rank": 2,
    "groups": 1,
    "skip": 0,
}


def short(method: str, name: str = "new", steps: int = 2, **more: object) -> AlignRequest:
    """A request of two steps on two prompts; fields of the request and of the method by name."""
    own = {key: more.pop(key) for key in ("backbone", "parent", "pairs", "seed") if key in more}
    known = {control.name for control in METHODS[method].controls()} if method in METHODS else set(SHORT)
    few = {key: value for key, value in SHORT.items() if key in known}
    return AlignRequest(method, name, steps=steps, options=tuple({**few, **more}.items()), **own)


@contextmanager
def opened(home: Path) -> Iterator[Workbench]:
    with store.open_store(home) as store_:
        yield Workbench(StoreResults(store_), "cpu", "float32")


def run(bench: Workbench, request: AlignRequest, **more: object) -> list[AlignState]:
    return list(align(bench, request, bench.home / "training" / request.name, **more))
