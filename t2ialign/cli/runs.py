"""Commands that make, score and list runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from t2ialign import settings
from t2ialign.cli.app import app
from t2ialign.cli.options import (
    Checkpoint,
    JsonFlag,
    Metrics,
    MoreScorers,
    ReadStore,
    StorePath,
    emit,
    names,
    printable,
    progress,
)
from t2ialign.files import writable
from t2ialign.limits import parse_seeds
from t2ialign.names import PLAIN
from t2ialign.types import Prompt
from t2ialign.use_cases.batches.requests import (
    BatchRequest,
    check_checkpoints,
    check_each,
    check_metrics,
    checked,
)
from t2ialign.use_cases.batches.usual import usual_of

if TYPE_CHECKING:
    from t2ialign.use_cases.workbench import Workbench

USUAL_SCALE = 4.0
COMPARED = "oracle_alignment,clip_score,factor_diversity,lpips,u_rke"


@app.command()
def generate(
    prompt: str,
    checkpoint: Checkpoint = "base",
    guidance_scale: Annotated[
        float | None,
        typer.Option(help="Strength of guidance, CFG (default: the model's usual, most often 4); 1 and below: none."),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds, as 0-15 or 1,5,9.")] = "0-15",
    steps: Annotated[
        int | None, typer.Option(help="Denoising steps (default: the model's usual, most often 25).")
    ] = None,
    scheduler: Annotated[
        str, typer.Option(help="ddim, dpmsolver++, euler, lcm, ... (default: the model's usual, most often ddim).")
    ] = "",
    height: Annotated[int, typer.Option(help="Pixels from top to bottom (default: the backbone's).")] = 0,
    width: Annotated[int, typer.Option(help="Pixels from left to right (default: the backbone's).")] = 0,
    negative_prompt: Annotated[str, typer.Option(help="What the picture should not show.")] = "",
    guidance: Annotated[
        str, typer.Option(help="How CFG is applied: cfg, interval, apg, aig:power=4, ... (`guidance` lists them).")
    ] = "",
    metrics: Metrics = "",
    scorers: MoreScorers = "",
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures as PNG files.")] = None,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Generate a seed batch, score it and store it; what is stored already is not computed again."""
    usual = usual_of(checkpoint, store, scheduler)
    [(strategy, params)] = read_strategies([guidance or usual.guidance], [checkpoint], len(parse_seeds(seeds)), store)
    request = checked(
        BatchRequest(
            Prompt(prompt),
            checkpoint,
            parse_seeds(seeds),
            usual.guidance_scale if guidance_scale is None else guidance_scale,
            usual.steps if steps is None else steps,
            usual.scheduler,
            strategy,
            params,
            negative_prompt=negative_prompt,
            metrics=names(metrics),
            scorers=names(scorers),
            height=height,
            width=width,
        )
    )
    check_checkpoints([checkpoint], store)
    _generate(request, out, store, as_json)


def _generate(request: BatchRequest, out: Path | None, store: Path | None, as_json: bool) -> None:
    if out:
        writable(out)
    from t2ialign.use_cases.api import run_request
    from t2ialign.use_cases.reports import text
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store) as bench, progress("generating") as show:
        state = run_request(bench, request, lambda state: show(state.fraction, state.remaining))
    _say_where(bench)
    for note in state.notes:
        print(printable(note), file=sys.stderr)
    emit(text.batch_report(state, out), as_json, lambda: text.batch_lines(state))


def read_strategies(
    said: Sequence[str], checkpoints: Sequence[str], seeds: int, store: Path | None
) -> list[tuple[str, tuple[tuple[str, float | str], ...]]]:
    """Guidance strategies with their parameters, each of use for every checkpoint and for so many seeds of a prompt."""
    if all(one.strip() == PLAIN for one in said):
        return [("cfg", ()) for _ in said]
    from t2ialign.diffusion.inputs import check_adapters, check_count
    from t2ialign.guidance import read_strategy
    from t2ialign.registry import load_registry, resolve

    found, registry = [read_strategy(one) for one in said], load_registry(home=store)
    for name, _ in found:
        check_count(name, seeds)
    for checkpoint in checkpoints:
        _, adapters = resolve(checkpoint, registry)
        for name, params in found:
            check_adapters(name, any(use.weight for use in adapters), checkpoint, params)
    return found


@app.command("guidance")
def list_guidance(as_json: JsonFlag = False) -> None:
    """List the guidance strategies with their parameters and what a step of each costs."""
    from t2ialign.guidance import GUIDANCE, defaults_of, needs_of, title_of
    from t2ialign.names import params_text

    rows = [
        {
            "name": name,
            "title": title_of(name),
            "evaluations": needs_of(name).evaluations,
            "besides": needs_of(name).besides,
            "parameters": defaults_of(name),
            "small": dict(needs_of(name).small),
            "flow": dict(needs_of(name).flow),
        }
        for name in GUIDANCE
    ]
    said = {name: params_text(defaults_of(name).items()) for name in GUIDANCE}
    for name in GUIDANCE:
        for what, own in (("of small pictures", needs_of(name).small), ("on flow models", needs_of(name).flow)):
            said[name] += f" ({what} {params_text(own)})" if own else ""
    lines = (
        f"{name:<18} {needs_of(name).evaluations} evaluations  {title_of(name)}  {said[name]}".rstrip() for name in said
    )
    emit(rows, as_json, lambda: lines)


def _say_where(bench: Workbench) -> None:
    """Tells of results that went to another process's inbox."""
    if bench.results.elsewhere:
        print(f"{bench.results.elsewhere}; it will take these results in from its inbox.", file=sys.stderr)


@app.command()
def points(
    x: Annotated[str, typer.Option(help="Metric of the alignment axis.")] = "oracle_alignment",
    y: Annotated[str, typer.Option(help="Metric of the diversity axis.")] = "factor_diversity",
    category: Annotated[str, typer.Option(help="Only prompts of these categories, separated by commas.")] = "",
    checkpoint: Annotated[str, typer.Option(help="Only these checkpoints, separated by commas.")] = "",
    benchmark: Annotated[
        str, typer.Option(help="Only the prompts and seeds of this benchmark set, by title or key.")
    ] = "",
    against: Annotated[
        str, typer.Option(help="Points as paired changes from this checkpoint, at --against-guidance-scale.")
    ] = "",
    against_guidance_scale: Annotated[
        float, typer.Option(help="CFG of the point that changes are taken from.")
    ] = USUAL_SCALE,
    as_aligned_as: Annotated[
        str, typer.Option(help="Also each checkpoint beside the CFG at which this one is as well aligned.")
    ] = "",
    store: ReadStore = None,
    as_json: JsonFlag = False,
) -> None:
    """The points of the trade-off chart, from every stored run; of one benchmark set also where their front bends."""
    check_each((x, y))
    from t2ialign.use_cases.reports import plane, research_material, text
    from t2ialign.use_cases.workbench import open_to_read

    asked = (x, y, names(category), names(checkpoint), benchmark)
    with open_to_read(store) as bench:
        found = text.stored_points(bench.store, *asked)
        if against:
            found = plane.changes(bench, found, against, against_guidance_scale, names(category), benchmark)
        more = list(research_material.bends(bench, found, benchmark)) if benchmark and not against else []
        if as_aligned_as:
            more += plane.as_aligned_lines(bench, found, as_aligned_as, names(category), benchmark)
    emit(found, as_json, lambda: chain(text.point_lines(found, against), more))


@app.command()
def compare(
    checkpoint: Annotated[
        list[str] | None,
        typer.Argument(help="Checkpoints or blends to compare; none: every one that has the same runs."),
    ] = None,
    against: Annotated[str, typer.Option(help="What they are compared with.")] = "base",
    metrics: Annotated[str, typer.Option(help="Metrics, separated by commas.")] = COMPARED,
    category: Annotated[str, typer.Option(help="Only prompts of these categories, separated by commas.")] = "",
    benchmark: Annotated[
        str, typer.Option(help="Only the prompts and seeds of this benchmark set, by title or key.")
    ] = "",
    guidance_scale: Annotated[float | None, typer.Option(help="Only this CFG of theirs (default: any).")] = None,
    against_guidance_scale: Annotated[
        float | None, typer.Option(help="CFG of what they are compared with (default: their own).")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="The differences as a Markdown table.")] = False,
    store: ReadStore = None,
    as_json: JsonFlag = False,
) -> None:
    """Stored runs of checkpoints, prompt by prompt against the same prompts and seeds of another one."""
    check_metrics(names(metrics))
    there = store is not None and settings.is_tables(store)
    if not there:  # exported tables come without the checkpoints: their names are looked up in the tables
        check_checkpoints([against, *(checkpoint or [])], Path(store) if store else None)
    from t2ialign.use_cases.batches.sweep import note_lines
    from t2ialign.use_cases.reports import comparisons
    from t2ialign.use_cases.workbench import open_to_read

    narrowed = comparisons.Narrowed(names(category), benchmark, guidance_scale, against_guidance_scale)
    with open_to_read(store) as bench:
        if there:
            comparisons.check_stored(bench.store, [against, *(checkpoint or [])])
        found = comparisons.stored_comparisons(bench.store, checkpoint or [], against, names(metrics), narrowed)
        notes = comparisons.notes_on_comparisons(bench.store, found, names(category))
    for line in note_lines(notes):
        print(printable(line), file=sys.stderr)
    lines = comparisons.comparison_table if markdown else comparisons.comparison_lines
    emit(found, as_json, lambda: lines(found))


@app.command()
def strategies(
    checkpoint: Annotated[
        str,
        typer.Option(
            help="Checkpoints, weighted ones (name@0.7) or blends, separated by commas; a name stands for all of its training "
            "seeds (name-seed1, ...)."
        ),
    ] = "base",
    x: Annotated[str, typer.Option(help="Metric of the alignment axis.")] = "oracle_alignment",
    y: Annotated[str, typer.Option(help="Metric of the diversity axis.")] = "factor_diversity",
    category: Annotated[str, typer.Option(help="Only prompts of these categories, separated by commas.")] = "",
    benchmark: Annotated[
        str, typer.Option(help="Only the prompts and seeds of this benchmark set, by title or key.")
    ] = "",
    beside: Annotated[str, typer.Option(help="On the chart also these checkpoints, separated by commas.")] = "base",
    out: Annotated[Path | None, typer.Option(help="Write the chart as one HTML file.")] = None,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Stored guidance strategies of checkpoints, each beside plain guidance at the CFG that is as well aligned."""
    check_each((x, y))
    asked = names(checkpoint) or ("base",)
    check_checkpoints([*asked, *names(beside)], store)
    from t2ialign.use_cases.reports import strategies as matching
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store, share=False) as bench:
        found = matching.stored_strategies(bench.store, asked, x, y, names(category), benchmark)
        drawn = matching.points_beside(bench.store, found, x, y, names(beside), names(category)) if out else []
    if out:
        from t2ialign.charts.export import standalone_html
        from t2ialign.charts.tradeoff import tradeoff_figure
        from t2ialign.metrics import METRICS
        from t2ialign.use_cases.audit.files import write_text

        chart = tradeoff_figure(drawn, METRICS[x], METRICS[y], pareto=False, named=True)
        write_text(out, standalone_html(chart, f"Guidance strategies of {', '.join(asked)}"))
    emit(found, as_json, lambda: matching.strategy_table(found, x, y))


@app.command()
def world(
    picture: Annotated[Path | None, typer.Option(help="Also draw two prompts along guidance, as a PNG.")] = None,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure every promise of the embedded world: its oracle, its scorers, and the trade-off along guidance."""
    from t2ialign.use_cases.reports import world as measuring
    from t2ialign.use_cases.reports import world_picture
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store) as bench, progress("sweeping the base") as show:
        report = measuring.measure(bench, show)
        if picture:
            world_picture.draw(bench, picture)
    emit(report, as_json, lambda: measuring.lines(report))


@app.command()
def reference(
    folder: Annotated[Path, typer.Argument(help="Where the Parquet files go, e.g. data/reference.")],
    scores_only: Annotated[
        bool,
        typer.Option(
            "--scores-only",
            help="Without pictures, which can be drawn again; what the folder's other files show is left to them.",
        ),
    ] = False,
    store: StorePath = None,
) -> None:
    """Write the stored sweeps as files that a new store starts with, one for each checkpoint, strategy and CFG value."""
    writable(folder)
    from t2ialign.use_cases.reports.text import write_reference
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store, share=False) as bench:
        for path, size in write_reference(bench.store, folder, scores_only):
            print(f"{path} ({size / 1e6:.2f} MB)")
