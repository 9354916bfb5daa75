"""Commands that measure: any pictures, the metrics themselves, and scores brought up to date."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, Metrics, MoreScorers, StorePath, emit, names, printable, progress
from t2ialign.limits import clean_prompt
from t2ialign.use_cases.batches.requests import check_each, check_metrics, check_scorers, picture_files, read_scales

Scorers = Annotated[str, typer.Option(help="Scorers of the registry, separated by commas.")]


@app.command()
def score(
    folder: Annotated[Path, typer.Argument(help="A folder of pictures of one size.")],
    prompt: Annotated[str, typer.Option(help="What the pictures were to show (for alignment metrics).")] = "",
    metrics: Metrics = "",
    scorers: Scorers = "",
    pairs: Annotated[bool, typer.Option("--pairs", help="Also give the matrix over all pairs.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Score any folder of pictures, ours or not."""
    clean_prompt(prompt)
    picture_files(folder)
    wanted, readers = check_metrics(names(metrics)), check_scorers(names(scorers))
    from t2ialign.use_cases.batches import score_pictures
    from t2ialign.use_cases.reports import text

    with progress("scoring") as show:
        report = score_pictures.score_folder(folder, prompt, wanted, readers, show)
    emit(text.picture_report(report, pairs), as_json, lambda: text.picture_lines(report, pairs))


@app.command()
def distance(
    first: Annotated[str, typer.Argument(help="A checkpoint with stored pictures, or a folder of pictures.")],
    second: Annotated[str, typer.Argument(help="Another, or a folder of real pictures.")],
    metrics: Annotated[str, typer.Option(help="Of fid, kid, fd_dinov2, cmmd; empty for every one possible.")] = "",
    scorers: Scorers = "",
    guidance_scales: Annotated[str, typer.Option(help="Only this CFG, or one a side, as 2,8.")] = "",
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """How far apart two populations of pictures are: FID, KID, FD-DINOv2 and CMMD."""
    from t2ialign.use_cases.batches import distance as measuring
    from t2ialign.use_cases.workbench import bare_workbench, open_workbench

    wanted, readers = measuring.check_distributions(names(metrics)), check_scorers(names(scorers))
    scales = read_scales(names(guidance_scales))
    stored = not (measuring.is_folder(first) and measuring.is_folder(second))
    opened = open_workbench(store, share=False) if stored else nullcontext(bare_workbench())
    with opened as bench, progress("measuring") as show:
        sides = measuring.populations(bench, first, second, scales)
        readers = readers or measuring.default_scorers(bench, first, second)
        found = measuring.measure(bench, sides, wanted, readers, show)
    emit(measuring.record(found), as_json, lambda: measuring.lines(found))


@app.command()
def audit(
    folder: Annotated[Path | None, typer.Argument(help="A folder of pictures; none: the embedded world.")] = None,
    metrics: Annotated[str, typer.Option(help="Metrics, separated by commas; empty for every one possible.")] = "",
    scorers: Scorers = "",
    out: Annotated[Path | None, typer.Option(help="Write the report as one HTML file.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the record as JSON, e.g. data/audit.json.")] = None,
    docs: Annotated[Path | None, typer.Option(help="Bring the tables of a document up to date.")] = None,
    prompts: Annotated[int, typer.Option(help="Prompts to look at; intervals are over prompts.")] = 24,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="The record that ships with the project, at once, instead of a new audit.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Find out which metric tells the truth, on the embedded world (minutes) or, as far as possible, on any pictures."""
    if folder:
        picture_files(folder)
    wanted, readers = check_metrics(names(metrics)), check_scorers(names(scorers))
    from t2ialign.tradeoff.audit import to_record
    from t2ialign.use_cases.audit import audit as auditing
    from t2ialign.use_cases.audit import files
    from t2ialign.use_cases.batches.score_pictures import of_the_world
    from t2ialign.use_cases.workbench import bare_workbench

    if shipped:
        found = auditing.of_the_record(folder, wanted)
    else:
        plan = replace(auditing.AuditPlan(), prompts=prompts, pools=min(auditing.AuditPlan.pools, prompts))
        with progress("auditing") as show:
            found = auditing.run_audit(bare_workbench(), folder, wanted, readers, plan, show)
    if folder and not readers:
        for note in of_the_world(entry.metric for entry in found.metrics):
            print(printable(note), file=sys.stderr)
    if out:
        from t2ialign.charts.audit_page import audit_html

        files.write_text(out, audit_html(found))
    if save:
        files.write_text(save, files.json_text(found))
    if docs:
        files.update_tables(docs, found)
    emit(to_record(found), as_json, lambda: files.lines(found))


@app.command()
def rescore(
    metrics: Annotated[str, typer.Option(help="Metrics, separated by commas; all, or empty for the short list.")] = "",
    scorers: MoreScorers = "",
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Score stored pictures where a score is missing or of an older version; it can be stopped and taken up again."""
    wanted, readers = check_metrics(names(metrics)), check_scorers(names(scorers))
    from t2ialign.use_cases.batches import rescore as rescoring
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store, share=False) as bench:
        state = rescoring.RescoreState(0, 0)
        try:
            with progress("scoring") as show:
                for state in rescoring.rescore(bench, wanted, scorers=readers):
                    show(state.fraction, state.remaining)
        except (KeyboardInterrupt, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "interrupted" not in str(error):  # what DuckDB makes of Ctrl-C
                raise
            print(f"Stopped. {rescoring.report(state)} The same command goes on from here.", file=sys.stderr)
            raise typer.Exit(130) from None
    for part in state.left_out:
        print(printable(str(part)), file=sys.stderr)
    emit(state, as_json, lambda: iter([rescoring.report(state)]))


@app.command()
def optimum(
    group: Annotated[
        str, typer.Argument(help="A group of the embedded world's raters: sunny, nocturne, airy, minimal.")
    ],
    strengths: Annotated[
        str, typer.Option(help="1/beta, separated by commas; 0 is the world itself.")
    ] = "0,0.1,0.2,0.4,0.8",
    prompts: Annotated[
        str, typer.Option(help="A prompt set of the embedded world, or a file of its prompts.")
    ] = "shapes-test",
    as_json: JsonFlag = False,
) -> None:
    """What preference tuning could reach at most: the embedded world tilted by a style, exactly."""
    from t2ialign.use_cases.reports import optimum as reporting

    found = list(reporting.frontier(group, reporting.read_strengths(names(strengths)), prompts))
    emit(found, as_json, lambda: reporting.lines(found))


@app.command()
def frontier(
    checkpoint: Annotated[
        list[str],
        typer.Argument(help="Trained checkpoints; NAME-step50 is a dose of NAME, NAME-seed1 another training seed."),
    ],
    against: Annotated[str, typer.Option(help="What they are compared with.")] = "base",
    judge: Annotated[str, typer.Option(help="A metric of single pictures: the higher one wins.")] = "style_minimal",
    diversity: Annotated[str, typer.Option(help="The diversity that winning costs.")] = "factor_diversity",
    guidance_scale: Annotated[float, typer.Option(help="CFG of the stored runs.")] = 4.0,
    win_rate: Annotated[float, typer.Option(help="Where the methods are compared.")] = 0.65,
    best: Annotated[
        bool,
        typer.Option("--best", help="Also the best that any tuning could do, read off 32 or more pictures a prompt."),
    ] = False,
    dials: Annotated[
        bool,
        typer.Option("--dials", help="Also their stored weights (NAME@0.5) and guidance strategies, as own paths."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write the chart as one HTML file.")] = None,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """What a point of win rate costs in diversity, by method: checkpoints compared where they win equally often."""
    check_each((judge, diversity))
    from t2ialign.use_cases.audit.files import write_text
    from t2ialign.use_cases.reports import frontier as reporting
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store, share=False) as bench:
        found = reporting.report(bench.store, checkpoint, against, judge, diversity, guidance_scale, win_rate, dials)
        if best:
            found = reporting.with_best_policy(bench, found)
    if out:
        from t2ialign.charts.export import standalone_html
        from t2ialign.charts.frontier import frontier_figure
        from t2ialign.metrics import METRICS

        chart = frontier_figure(found.paths, found.ideals, METRICS[judge], METRICS[diversity], win_rate)
        title, captions = f"What a point of win rate costs, against {against}", [one.about for one in found.ideals]
        write_text(out, standalone_html(chart, title, captions=captions))
    emit(found, as_json, lambda: reporting.lines(found))


@app.command()
def choosing(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint with stored runs.")] = "base",
    measure: Annotated[str, typer.Option(help="What ranks a prompt's pictures.")] = "mutual_information",
    truth: Annotated[str, typer.Option(help="What they are worth.")] = "oracle_alignment",
    out: Annotated[
        Path | None, typer.Option(help="Write the measure's distribution at each CFG as one HTML file.")
    ] = None,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """A measure as a judge of a prompt's pictures: does it rank them as the truth does, and what would it choose?"""
    check_each((measure, truth))
    from t2ialign.use_cases.audit.files import write_text
    from t2ialign.use_cases.reports import choosing as reporting
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store, share=False) as bench:
        found = reporting.report(bench.store, checkpoint, measure, truth)
    if out:
        import numpy as np

        from t2ialign.charts.distribution import distribution_figure
        from t2ialign.charts.export import standalone_html
        from t2ialign.metrics import METRICS

        sets = {f"CFG {one.guidance_scale:g}": np.array(one.values) for one in found.scales}
        write_text(out, standalone_html(distribution_figure(sets, METRICS[measure]), f"{measure} of {checkpoint}"))
    emit(found, as_json, lambda: reporting.lines(found))


@app.command()
def tables(
    paper: Annotated[str, typer.Argument(help="Whose tables: f-divergence.")],
    checkpoint: Annotated[list[str], typer.Argument(help="Checkpoints with stored runs, a row each.")],
    against: Annotated[str, typer.Option(help="The first row, which the others are tested against.")] = "base",
    guidance_scale: Annotated[float, typer.Option(help="CFG of the stored runs.")] = 4.0,
    metrics: Annotated[str, typer.Option(help="More metrics, beside the paper's, separated by commas.")] = "",
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """A paper's tables for any checkpoints: its columns and units, with paired tests against the base."""
    from t2ialign.use_cases.reports import paper_tables
    from t2ialign.use_cases.workbench import open_workbench

    with open_workbench(store, share=False) as bench:
        found = paper_tables.fill(bench.store, paper, checkpoint, against, guidance_scale, names(metrics))
    record = [{"caption": one.caption, "rows": one.rows, "absent": one.absent, "family": one.family} for one in found]
    emit(record, as_json, lambda: paper_tables.lines(found))


@app.command("metrics")
def list_metrics(
    markdown: Annotated[bool, typer.Option("--markdown", help="The whole of docs/metrics.md.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List every metric: what it measures, where it comes from, what it misses."""
    from t2ialign.use_cases.reports import metric_table

    if markdown:
        typer.echo(metric_table.markdown(), nl=False)
        return
    rows = metric_table.records()
    emit(rows, as_json, lambda: (f"{row['axis']:<10} {row['name']:<28} {row['summary']}" for row in rows))
