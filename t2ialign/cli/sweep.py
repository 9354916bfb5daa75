"""The command that works through a sweep: from a TOML file, or from flags; by hand, or as a job of the page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, Metrics, MoreScorers, StorePath, emit, names, printable, progress
from t2ialign.cli.runs import read_strategies
from t2ialign.engines.spread import share
from t2ialign.seeds import DEFAULT, count_of, parse_plan
from t2ialign.types import InputError
from t2ialign.use_cases.batches.requests import check_checkpoints, read_scales

if TYPE_CHECKING:
    from t2ialign.use_cases.sweeps.remote import Cluster
    from t2ialign.use_cases.sweeps.run import SweepState
    from t2ialign.use_cases.sweeps.spec import SweepSpec
    from t2ialign.use_cases.workbench import Workbench

Engine = Annotated[str, typer.Option(help="Where it runs: local, or ray for a cluster (docs/scale.md).")]
Address = Annotated[str, typer.Option(help="Of the Ray cluster: auto, local, or HOST:PORT.")]
Workers = Annotated[int, typer.Option(min=0, help="Actors of the cluster (0: one a GPU, or one a node).")]
Shards = Annotated[
    str, typer.Option(help="A folder that all its machines reach, as s3://bucket/sweep; none: through Ray.")
]
Scales = Annotated[
    str | None,
    typer.Option(help="CFG values, separated by commas (default: around the models' usual, most often 1,2,4,6,8)."),
]
Steps = Annotated[int | None, typer.Option(help="Denoising steps (default: the models' usual, most often 25).")]
Scheduler = Annotated[
    str, typer.Option(help="ddim, dpmsolver++, euler, lcm, ... (default: the models' usual, most often ddim).")
]
ENGINES = ("local", "ray")
Watched = tuple[Callable[[], bool], Callable[["SweepState"], None]]  # whether to stop, and who is told


@app.command()
def sweep(
    spec: Annotated[Path | None, typer.Argument(help="A TOML file that says all of it (docs/sweeps.md).")] = None,
    title: Annotated[str, typer.Option(help="What the sweep is called.")] = "",
    prompts: Annotated[
        str, typer.Option(help="A prompt set, a part of one (set:category), or a file of prompts.")
    ] = "shapes-test",
    prompt: Annotated[list[str] | None, typer.Option(help="A prompt in place of a set; may be said again.")] = None,
    category: Annotated[str, typer.Option(help="Of the set only these categories, separated by commas.")] = "",
    sample: Annotated[int, typer.Option(min=0, help="So many of its prompts, at even distances (0: all).")] = 0,
    checkpoint: Annotated[str, typer.Option(help="Checkpoints, separated by commas.")] = "base",
    weights: Annotated[str, typer.Option(help="Weights of every checkpoint that has an adapter, as 0.5,1.")] = "",
    guidance_scales: Scales = None,
    seeds: Annotated[
        str, typer.Option(help="own:16 for 16 seeds of each prompt's own, or seeds for all prompts alike, as 0-15.")
    ] = DEFAULT,
    steps: Steps = None,
    scheduler: Scheduler = "",
    height: Annotated[int, typer.Option(help="Pixels from top to bottom (default: the backbone's).")] = 0,
    width: Annotated[int, typer.Option(help="Pixels from left to right (default: the backbone's).")] = 0,
    guidance: Annotated[
        str | None,
        typer.Option(
            help="Strategies, separated by commas, with parameters as cads:noise_scale=0.1:tau1=0.5 (default: the models' "
            "usual, most often cfg)."
        ),
    ] = None,
    metrics: Metrics = "",
    scorers: MoreScorers = "",
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say what it asks for, and what it costs.")] = False,
    toml: Annotated[bool, typer.Option("--toml", help="Only print it as the TOML file that does the same.")] = False,
    engine: Engine = "local",
    address: Address = "auto",
    workers: Workers = 0,
    shards: Shards = "",
    job: Annotated[str, typer.Option(help="Report to this job of the store.", hidden=True)] = "",
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Draw and score a grid of prompts, checkpoints, strategies and CFG values, by a SPEC file or by flags.

    All conditions come on a few seeds first, then on all. What is stored is skipped, so it may be stopped and asked for again.
    """
    scales, strategies = (None if one is None else names(one) for one in (guidance_scales, guidance))
    grid = (names(checkpoint), scales, names(weights), strategies)
    chosen = (prompts, tuple(prompt or ()), names(category), sample)
    drawn = SamplingFlags(seeds, steps, scheduler.strip(), height, width)
    said, unsaid = _of_flags(title, chosen, grid, drawn, names(metrics), names(scorers))
    cluster = _cluster(engine, address, workers, shards)
    _sweep(said, unsaid, spec, cluster, toml, job, store, estimate, as_json)


@dataclass(frozen=True)
class SamplingFlags:
    """How the pictures are drawn, as the flags have it; None, "" and 0: not said."""

    seeds: str
    steps: int | None
    scheduler: str
    height: int
    width: int


def _cluster(engine: str, address: str, workers: int, shards: str) -> Cluster | None:
    """The cluster to run on, None for this machine alone."""
    if engine not in ENGINES:
        raise InputError(f"A sweep runs on {' or '.join(ENGINES)}, not on {engine[:40]!r}.")
    if engine == "local":
        if (address, workers, shards) != ("auto", 0, ""):
            raise InputError("--address, --workers and --shards are a cluster's: add --engine ray.")
        return None
    from t2ialign.use_cases.sweeps.remote import Cluster

    return Cluster(address, workers, shards)


def _of_flags(
    title: str,
    prompts: tuple[str, tuple[str, ...], tuple[str, ...], int],
    grid: tuple[tuple[str, ...], tuple[str, ...] | None, tuple[str, ...], tuple[str, ...] | None],
    drawn: SamplingFlags,
    metrics: tuple[str, ...],
    scorers: tuple[str, ...],
) -> tuple[SweepSpec, tuple[str, ...]]:
    """The spec of the flags, and which of its fields begin as the checkpoints are usually drawn, because nobody said them.

    ``grid`` are checkpoints, CFG values, weights and strategies as people write them.
    """
    from t2ialign.use_cases.sweeps.spec import PromptChoice, SweepSpec

    checkpoints, scales, weights, strategies = grid
    said: dict[str, Any] = {
        "guidance_scales": None if scales is None else tuple(read_scales(scales)),
        "strategies": strategies,
        "num_inference_steps": drawn.steps,
        "scheduler": drawn.scheduler,
    }
    unsaid = tuple(name for name, value in said.items() if value in ("", None))
    spec = SweepSpec(
        title,
        PromptChoice(*prompts),
        checkpoints,
        tuple(read_scales(weights, "Weights")),
        seeds=parse_plan(drawn.seeds),
        metrics=metrics,
        scorers=scorers,
        height=drawn.height,
        width=drawn.width,
    )
    return replace(spec, **{name: value for name, value in said.items() if name not in unsaid}), unsaid


def _sweep(
    said: SweepSpec,
    unsaid: tuple[str, ...],
    spec: Path | None,
    cluster: Cluster | None,
    toml: bool,
    job: str,
    store: Path | None,
    estimate: bool,
    as_json: bool,
) -> None:
    """What the flags say, or the file where they say nothing; bad input is answered before a store is opened."""
    from t2ialign.registry import load_registry
    from t2ialign.use_cases.sweeps.spec import USUAL, SweepSpec, begun, checked, prompts_of, read_spec, to_toml

    if spec is not None:
        if said != SweepSpec() or len(unsaid) < len(USUAL):
            raise InputError("Say a sweep in its file or in flags, not in both.")
        said = read_spec(spec, _tell, store)
    elif job:  # a job's line means what it meant when it was queued
        said = checked(said)
    else:
        said = checked(begun(said, unsaid, load_registry(home=store), _tell))
    left_out: list[str] = []
    prompts_of(said.prompts, left_out.append, store)
    check_checkpoints(said.checkpoints, store)
    read_strategies(said.strategies, said.checkpoints, count_of(said.seeds), store)
    if toml:
        print(to_toml(said), end="")
        return
    _run(said, cluster, job, store, estimate, left_out, as_json)


def _tell(note: str) -> None:
    print(printable(note), file=sys.stderr)


def _run(
    spec: SweepSpec,
    cluster: Cluster | None,
    job: str,
    store: Path | None,
    estimated: bool,
    left_out: list[str],
    as_json: bool,
) -> None:
    from t2ialign.use_cases.batches.sweep import note_lines
    from t2ialign.use_cases.sweeps.plan import plan_sweep
    from t2ialign.use_cases.sweeps.remote import run_remote
    from t2ialign.use_cases.sweeps.run import run_sweep
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store) as bench:
        plan = plan_sweep(bench, spec)
        if estimated:
            _estimate(bench, spec, as_json)
            return
        plan = replace(plan, cells=share(plan.cells))
        if not plan.cells:  # of several processes more than there are cells
            return
        with _watching(bench, job, here=cluster is None) as (stop, show):
            for state in run_remote(bench, plan, cluster, stop) if cluster else run_sweep(bench, plan, stop):
                show(state)
        if bench.results.elsewhere:
            print(f"{bench.results.elsewhere}; the results appear there within seconds.", file=sys.stderr)
    for line in (*left_out, *note_lines(state.notes)):
        print(printable(line), file=sys.stderr)
    emit(state, as_json, lambda: iter([f"{state.done} cells, {state.generated} pictures generated."]))


@contextmanager
def _watching(bench: Workbench, job: str, here: bool = True) -> Iterator[Watched]:
    """Whether somebody wants it to stop, and who is told.

    It is asked at every step, which waits while the page serves somebody, if the work is done ``here``: what only hands cells
    out to a cluster must go on.
    """
    from t2ialign.jobs.precedence import give_way

    if not job:
        with progress("sweeping") as show:

            def stop() -> bool:
                if here:
                    give_way(bench.home, lambda: False)
                return False

            yield stop, lambda state: show(state.fraction, state.remaining)
        return
    from t2ialign.jobs.reporter import Reporter

    with Reporter(bench.home, job) as reporter:
        last: list[SweepState] = []

        def report(state: SweepState, phase: str = "") -> None:
            last[:] = [state]
            reporter.report(phase or state.phase, state.fraction, state.remaining, (state.pictures, state.wanted))

        def asked() -> bool:
            if here:
                give_way(
                    bench.home,
                    lambda: bool(reporter.asked()),
                    lambda: report(last[0], "waiting for the page") if last else None,
                )
            return bool(reporter.asked())

        yield asked, report
        if reporter.asked():
            reporter.leave()


def _estimate(bench: Workbench, spec: SweepSpec, as_json: bool) -> None:
    """What it asks for; the model is loaded once, to be timed."""
    from t2ialign.use_cases.align.estimate import evaluation_seconds
    from t2ialign.use_cases.sweeps.estimate import estimate, in_words
    from t2ialign.use_cases.sweeps.plan import plan_sweep

    found = estimate(bench, plan_sweep(bench, spec), lambda entry: evaluation_seconds(bench.backbone(entry)))
    emit(found, as_json, lambda: iter(in_words(found)))
