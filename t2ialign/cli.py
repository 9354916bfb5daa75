"""The command line: the page's use cases, JSON on stdout with ``--json``, progress on stderr, exit code 2 on bad input.

Heavy imports wait inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from t2ialign.types import InputError

app = typer.Typer(
    help="See, live, what aligning a text-to-image model does to the diversity of its pictures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
StorePath = Annotated[Path | None, typer.Option("--store", help="Folder of the store (default: T2IALIGN_HOME).")]
Checkpoint = Annotated[str, typer.Option(help="A checkpoint, a weighted one (name@0.7) or a blend (a@0.5+b@0.5).")]
Metrics = Annotated[str, typer.Option(help="Metrics, separated by commas; empty for every one that can be computed.")]
Steps = Annotated[int, typer.Option(help="Denoising steps.")]
SchedulerName = Annotated[str, typer.Option(help="ddim, dpmsolver++, euler, ...")]


def main() -> None:
    """The console script: bad input becomes one sentence on stderr and exit code 2."""
    try:
        app()
    except InputError as error:
        print(f"t2ialign: {error}", file=sys.stderr)
        sys.exit(2)


@contextmanager
def _progress(label: str) -> Iterator[Callable[[float, float | None], None]]:
    """A line on stderr that shows how far the work is and how long it will still take."""

    def show(fraction: float, remaining: float | None) -> None:
        left = f", about {remaining:.0f} s to go" if remaining else ""
        print(f"\r{label}: {fraction:4.0%}{left}        ", end="", file=sys.stderr, flush=True)

    yield show
    print(file=sys.stderr)


def _emit(result: Any, as_json: bool, lines: Callable[[], Iterator[str]]) -> None:
    from t2ialign.experiments.reporting import jsonable

    if as_json:
        print(json.dumps(jsonable(result)))
    else:
        for line in lines():
            print(line)


@app.command()
def generate(
    prompt: str,
    checkpoint: Checkpoint = "base",
    guidance_scale: Annotated[float, typer.Option(help="Strength of classifier-free guidance (CFG).")] = 4.0,
    seeds: Annotated[str, typer.Option(help="Seeds, as 0-15 or 1,5,9.")] = "0-15",
    steps: Steps = 25,
    scheduler: SchedulerName = "ddim",
    negative_prompt: Annotated[str, typer.Option(help="What the picture should not show.")] = "",
    metrics: Metrics = "",
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures as PNG files.")] = None,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Generate a seed batch, score it and store it; what is stored already is not computed again."""
    from t2ialign.diffusion.inputs import parse_seeds
    from t2ialign.experiments import reporting
    from t2ialign.experiments.api import run_request
    from t2ialign.experiments.requests import BatchRequest
    from t2ialign.experiments.workbench import open_workbench
    from t2ialign.types import Prompt

    request = BatchRequest(
        Prompt(prompt),
        checkpoint,
        parse_seeds(seeds),
        guidance_scale,
        steps,
        scheduler,
        negative_prompt=negative_prompt,
        metrics=tuple(metrics.split(",")) if metrics else (),
    )
    with open_workbench(store) as bench, _progress("generating") as show:
        state = run_request(bench, request, lambda state: show(state.fraction, state.remaining))
        if bench.store is None:
            print("Another process has the store open; it will take these results in from its inbox.", file=sys.stderr)
    for note in state.notes:
        print(note, file=sys.stderr)
    _emit(reporting.batch_report(state, out), as_json, lambda: reporting.batch_lines(state))


@app.command()
def score(
    folder: Path,
    prompt: Annotated[str, typer.Option(help="What the pictures were to show (for alignment metrics).")] = "",
    metrics: Metrics = "",
    scorers: Annotated[str, typer.Option(help="Scorers of the registry, separated by commas.")] = "",
    pairs: Annotated[bool, typer.Option("--pairs", help="Also give the matrix over all pairs.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Score any folder of pictures, ours or not."""
    from t2ialign.experiments import api, reporting

    report = api.score_folder(folder, prompt, _names(metrics), _names(scorers))
    _emit(reporting.folder_report(report, pairs), as_json, lambda: reporting.score_lines(report.scores))


@app.command()
def points(
    x: Annotated[str, typer.Option(help="Metric of the alignment axis.")] = "oracle_alignment",
    y: Annotated[str, typer.Option(help="Metric of the diversity axis.")] = "factor_diversity",
    category: Annotated[str, typer.Option(help="Only prompts of these categories, separated by commas.")] = "",
    checkpoint: Annotated[str, typer.Option(help="Only these checkpoints, separated by commas.")] = "",
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """The points of the trade-off chart, from every stored run."""
    from t2ialign.experiments import reporting
    from t2ialign.experiments.workbench import open_workbench

    with open_workbench(store, share=False) as bench:
        found = reporting.stored_points(bench.store, x, y, _names(category), _names(checkpoint))
    _emit(found, as_json, lambda: reporting.point_lines(found))


@app.command()
def checkpoints(store: StorePath = None, as_json: JsonFlag = False) -> None:
    """List what can be chosen as a checkpoint."""
    from t2ialign.experiments.reporting import checkpoint_rows
    from t2ialign.registry import load_registry

    found = load_registry(home=store)
    for problem in found.problems:
        print(problem, file=sys.stderr)
    rows = checkpoint_rows(found)
    _emit(rows, as_json, lambda: (f"{row['name']:<20} {row['backbone']:<12} {row['title']}" for row in rows))


@app.command()
def sweep(
    prompts: Annotated[str, typer.Option(help="A shipped prompt set or a file of prompts.")] = "shapes-test",
    checkpoint: Annotated[str, typer.Option(help="Checkpoints, separated by commas.")] = "base",
    guidance_scales: Annotated[str, typer.Option(help="CFG values, separated by commas.")] = "1,2,4,6,8",
    seeds: Annotated[str, typer.Option(help="Seeds, as 0-15 or 1,5,9.")] = "0-15",
    steps: Steps = 25,
    metrics: Metrics = "",
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Fill a grid of prompts, checkpoints and CFG values; finished cells are skipped, so it can be stopped and resumed."""
    from t2ialign.diffusion.inputs import parse_seeds
    from t2ialign.experiments import sweep as sweeping
    from t2ialign.experiments.workbench import open_workbench

    grid = sweeping.grid(
        prompts, _names(checkpoint), _names(guidance_scales), parse_seeds(seeds), steps, _names(metrics)
    )
    with open_workbench(store) as bench, _progress("sweeping") as show:
        for state in sweeping.sweep(bench, grid):
            show(state.fraction, state.remaining)
    _emit(state, as_json, lambda: iter([f"{state.done} cells, {state.generated} pictures generated."]))


@app.command()
def world(store: StorePath = None, as_json: JsonFlag = False) -> None:
    """Measure every promise of the embedded world: its oracle, its scorers, and the trade-off along guidance."""
    from t2ialign.experiments import world as measuring
    from t2ialign.experiments.workbench import open_workbench

    with open_workbench(store) as bench, _progress("sweeping the base") as show:
        report = measuring.measure(bench, show)
    _emit(report, as_json, lambda: measuring.lines(report))


@app.command()
def reference(
    folder: Annotated[Path, typer.Argument(help="Where the Parquet files go, e.g. data/reference.")],
    store: StorePath = None,
) -> None:
    """Write every stored run as files that a new store starts with, one for each checkpoint and CFG value."""
    from t2ialign.experiments.reporting import write_reference
    from t2ialign.experiments.workbench import open_workbench

    with open_workbench(store, share=False) as bench:
        for path, size in write_reference(bench.store, folder):
            print(f"{path} ({size / 1e6:.1f} MB)")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
