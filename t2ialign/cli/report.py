"""The command that writes a report about whatever a store holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, StorePath, emit
from t2ialign.files import writable


@app.command()
def report(
    out: Annotated[
        Path | None,
        typer.Option(help="Write it as one HTML file with figures that needs no network; FILE.md: as a Markdown page."),
    ] = None,
    benchmark: Annotated[
        str, typer.Option(help="A benchmark set by title or key (default: the one of most runs).")
    ] = "",
    x: Annotated[str, typer.Option(help="Metric of alignment (default: the best known that is scored).")] = "",
    y: Annotated[str, typer.Option(help="Metric of diversity (default: the best known that is scored).")] = "",
    backbone: Annotated[str, typer.Option(help="The backbone to report on (default: the one of most runs).")] = "",
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """What the stored runs say about each research question, with intervals, and what they do not say."""
    from t2ialign import __version__
    from t2ialign.use_cases.reports import research
    from t2ialign.use_cases.reports.research_material import ReportSubject
    from t2ialign.use_cases.workbench import open_workbench

    if out:
        writable(out.expanduser().parent)
    with open_workbench(store, share=False) as bench:
        found = research.research(bench, ReportSubject(benchmark, x, y, backbone))
    if out and out.suffix == ".md":
        from t2ialign.use_cases.reports.research_page import write_page

        write_page(found, out.expanduser())
    elif out:
        from t2ialign.charts.report_page import report_html
        from t2ialign.use_cases.audit.files import write_text

        write_text(out.expanduser(), report_html(found, __version__))
    emit(found, as_json, lambda: research.lines(found))
