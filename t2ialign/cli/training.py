"""Commands that make checkpoints: align and merge."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, StorePath, emit, progress
from t2ialign.source import KINDS, parse_source

if TYPE_CHECKING:
    from t2ialign.methods.controls import Control
    from t2ialign.training.processes import Processes
    from t2ialign.use_cases.align.request import AlignRequest
    from t2ialign.use_cases.align.train import AlignState
    from t2ialign.use_cases.workbench import Workbench

FollowedJob = tuple[
    Path, Callable[[], str], Callable[["AlignState"], None]
]  # a run's folder, what is asked, who is told


SOURCES = ", ".join(kind.written for kind in KINDS.values())


@app.command(context_settings={"ignore_unknown_options": True})
def align(
    method: Annotated[
        str,
        typer.Argument(
            help="One of diffusion_dpo, f_dpo, ipo, dmpo, alpha_dpo, dspo, hn_itm, ncppo, popalign (pairs); diffusion_kto "
            "(likes); mi_tune, gors (its own pictures); ddpo, dpok, grpo, d3po, spo (a reward); refl, draft (a reward's "
            "gradient). docs/methods.md tells them apart."
        ),
    ],
    options: Annotated[list[str] | None, typer.Argument(help="The method's own options, as --beta 2.")] = None,
    name: Annotated[str, typer.Option(help="What the new checkpoint is called (default: the method's name).")] = "",
    backbone: Annotated[str, typer.Option(help="The backbone to train (default: the parent's).")] = "",
    parent: Annotated[str, typer.Option(help="The checkpoint to go on from.")] = "base",
    pairs: Annotated[str, typer.Option(help=f"What it learns from: {SOURCES}.")] = "",
    steps: Annotated[int, typer.Option(help="Optimisation steps, in each round (0: the method's own number).")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same pictures, pairs and training again.")] = 0,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say what it would cost.")] = False,
    fields: Annotated[bool, typer.Option("--fields", help="Only list the method's own options.")] = False,
    into: Annotated[Path | None, typer.Option(help="Folder for the checkpoint (default: HOME/checkpoints).")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a checkpoint of this name in that folder.")
    ] = False,
    job: Annotated[str, typer.Option(help="Report to this job of the store.", hidden=True)] = "",
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Train an adapter, by METHOD. Each method has options of its own, as --beta 2: `align METHOD --fields` lists them.

    A run that was stopped goes on where it was when it is asked for again.
    """
    from t2ialign.use_cases.align.estimate import estimate as estimated
    from t2ialign.use_cases.align.request import AlignRequest, controls
    from t2ialign.use_cases.workbench import bare_workbench, open_workbench

    known = controls(method)
    if fields:
        emit(known, as_json, lambda: _field_lines(known))
        return
    own = _fields(options or [], known)
    request = AlignRequest(method, name or method, backbone, parent, parse_source(pairs), steps, seed, own)
    processes = _processes()
    with open_workbench(store) if processes.first else nullcontext(bare_workbench(store)) as bench:
        if estimate:
            cost = estimated(bench, request)
            said = {"seconds": cost.seconds, "phases": cost.phases, "words": cost.words}
            emit(said, as_json, lambda: iter([f"{cost.words} ({cost.seconds:.0f} s)"]))
            return
        _train(bench, request, job, into, replace, as_json, processes)


def _train(
    bench: Workbench, request: AlignRequest, job: str, into: Path | None, replace: bool, as_json: bool, team: Processes
) -> None:
    from t2ialign.use_cases.align import train as training
    from t2ialign.use_cases.align.manifest import record_of
    from t2ialign.use_cases.align.result import report_lines

    watching = _watching(bench.home, job, request.name) if team.first else _following(bench.home, job, request.name)
    with watching as (folder, control, show):
        for state in training.align(bench, request, folder, control, into, replace, team):
            show(state)
    manifest = state.manifest
    if manifest is not None:
        emit(record_of(manifest), as_json, lambda: report_lines(manifest))


def _folder(home: Path, job: str, name: str) -> Path:
    return home / "jobs" / job if job else home / "training" / name


@contextmanager
def _following(home: Path, job: str, name: str) -> Iterator[FollowedJob]:
    """What a process beside the first one does: it works in the same folder, listens to the first one and says nothing."""
    yield _folder(home, job, name), lambda: "", lambda state: None


@contextmanager
def _watching(home: Path, job: str, name: str) -> Iterator[FollowedJob]:
    """The run's folder, what its owner asks, and where its states go: to the job's reporter, or to stderr."""
    if not job:
        with progress(f"training {name}") as show:
            yield _folder(home, job, name), lambda: "", lambda state: show(state.fraction, state.remaining)
        return
    from t2ialign.codec import encode
    from t2ialign.jobs.reporter import Reporter

    with Reporter(home, job) as reporter:

        def report(state: AlignState) -> None:
            reporter.report(state.phase, state.fraction, state.remaining, state.pictures)
            if state.step is not None:
                reporter.step(encode(state.step))
            if state.probe is not None:
                reporter.probe(encode(state.probe))

        yield reporter.folder, reporter.asked, report
        if reporter.asked():
            reporter.leave()


def _processes() -> Processes:
    """This process among those that ``accelerate launch`` started; alone where it started none."""
    from t2ialign import settings
    from t2ialign.training.processes import ALONE, join

    return join(settings.device()[0]) if "WORLD_SIZE" in os.environ else ALONE


def _fields(said: Sequence[str], known: Sequence[Control]) -> tuple[tuple[str, str], ...]:
    """``--beta 2``, ``--beta=2``, ``--match-strength``, ``--no-match-strength`` as (field, value) pairs."""
    from t2ialign.types import InputError

    switches = {control.name for control in known if control.kind is bool}
    words, found = list(said), []
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            raise InputError(f"{word[:40]!r} belongs to no option: write options as --beta 2.")
        name, equals, value = word[2:].partition("=")
        name = name.replace("-", "_")
        if not equals and name.removeprefix("no_") in switches and (not words or words[0].startswith("--")):
            name, value = name.removeprefix("no_"), "false" if name.startswith("no_") else "true"
        elif not equals:
            if not words:
                raise InputError(f"--{name.replace('_', '-')} needs a value, as in --beta 2.")
            value = words.pop(0)
        found.append((name, value))
    return tuple(found)


def _field_lines(known: Sequence[Control]) -> Iterator[str]:
    for control in known:
        flag = f"--{control.name.replace('_', '-')}"
        embedded = "" if control.embedded == control.published else f", small models {control.embedded}"
        yield f"{flag:<22} {control.label}. {control.help} (published: {control.published or 'none'}{embedded})"


@app.command()
def merge(
    blend: Annotated[list[str], typer.Argument(help="Checkpoints with weights: a@0.5 b@0.5, or a@0.5+b@0.5.")],
    name: Annotated[str, typer.Option(help="What the new checkpoint is called.")],
    into: Annotated[Path | None, typer.Option(help="Folder for the checkpoint (default: HOME/checkpoints).")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a checkpoint of this name in that folder.")
    ] = False,
    rank: Annotated[
        int, typer.Option(min=0, help="The merged LoRA's rank at most (0: as high as it takes to be exact).")
    ] = 0,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Merge adapters into one LoRA: of LoRAs exactly what the live blend computes, of DoRAs what they do to the weights."""
    from t2ialign.use_cases.align.manifest import record_of
    from t2ialign.use_cases.align.merge import merge as merged
    from t2ialign.use_cases.align.merge import merged_words
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store) as bench:
        manifest = merged(bench, "+".join(blend), name, into, replace, rank)
        if bench.results.elsewhere:
            print(f"{bench.results.elsewhere}; the new checkpoint appears there too.", file=sys.stderr)
    emit(record_of(manifest), as_json, lambda: iter([merged_words(name, manifest)]))
