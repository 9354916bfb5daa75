"""Commands that run a paper's table again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, no_type_check

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, StorePath, emit, names, printable, progress

if TYPE_CHECKING:
    from t2ialign.use_cases.protocols.plan import ProtocolChanges

commands = typer.Typer(help="Papers' tables run again: list them, run one.")
app.add_typer(commands, name="protocol")


@commands.callback(invoke_without_command=True)
@no_type_check  # typer hands over the base class of what it calls a Context
def show(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the protocols: what each runs, on which backbone, and from which paper."""
    if context.invoked_subcommand:
        return
    from t2ialign.use_cases.protocols import protocol

    found = {name: protocol.load_protocol(name) for name in protocol.names()}
    rows = [
        {"name": name, "title": one.title, "paper": one.paper, "backbone": one.backbone} for name, one in found.items()
    ]
    emit(
        rows,
        as_json,
        lambda: (f"{row['name']:<14} {row['title']} ({row['paper']}), on {row['backbone']}" for row in rows),
    )


@commands.command()
def run(
    name: Annotated[str, typer.Argument(help="A protocol, as f-divergence or mi-tune.")],
    backbone: Annotated[str, typer.Option(help="The backbone (default: the paper's).")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say the cells, the weights and the time.")] = False,
    prompts: Annotated[
        str, typer.Option(help="The test prompts (default: the protocol's, or the backbone's own).")
    ] = "",
    train_prompts: Annotated[str, typer.Option(help="The training prompts (default: likewise).")] = "",
    pairs: Annotated[str, typer.Option(help="What preference methods learn from, as `align --pairs`.")] = "",
    seeds: Annotated[str, typer.Option(help="own:4, or seeds for all prompts alike.")] = "",
    steps: Annotated[int, typer.Option(help="Denoising steps (0: the protocol's).")] = 0,
    guidance_scales: Annotated[str, typer.Option(help="CFG values, separated by commas.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many prompts, of each category (0: all).")] = 0,
    train_steps: Annotated[int, typer.Option(help="Optimisation steps (0: the method's own).")] = 0,
    option: Annotated[
        list[str] | None, typer.Option(help="A training option for every row that has it, as prompt_count=32.")
    ] = None,
    captions: Annotated[str, typer.Option(help="A prompt set for distances to real pictures.")] = "",
    reference: Annotated[str, typer.Option(help="The folder of those real pictures.")] = "",
    out: Annotated[Path | None, typer.Option(help="Also write the tables to this Markdown file.")] = None,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Run a paper's table: train what is missing, draw, score, and print ours beside the paper's. It may be stopped."""
    from t2ialign.use_cases.batches.requests import read_scales
    from t2ialign.use_cases.protocols.plan import ProtocolChanges, read_options

    scales, options = tuple(read_scales(names(guidance_scales))), read_options(option or [])
    tested = (backbone, prompts, train_prompts, pairs)
    asked = ProtocolChanges(*tested, seeds, steps, scales, limit, train_steps, options, captions, reference)
    _run(name, asked, dry_run, out, store, as_json)


def _run(name: str, asked: ProtocolChanges, dry_run: bool, out: Path | None, store: Path | None, as_json: bool) -> None:
    from t2ialign.use_cases.protocols import plan as planning
    from t2ialign.use_cases.protocols import tables
    from t2ialign.use_cases.protocols.protocol import load_protocol
    from t2ialign.use_cases.protocols.run import run_protocol
    from t2ialign.use_cases.workbench import open_workbench

    protocol = load_protocol(name)
    with open_workbench(store) as bench:
        plan = planning.make_plan(bench, name, protocol, asked)
        if dry_run:
            cost = planning.needed(bench, plan)
            emit(planning.summary(plan, cost), as_json, lambda: planning.lines(plan, cost))
            return
        with progress(f"running {name}") as watch:
            for state in run_protocol(bench, plan):
                watch(state.fraction, state.remaining)
    filled = tables.fill(plan, state)
    text = list(tables.lines(plan, filled, state.notes))
    if out:
        out.write_text("\n".join(text) + "\n", encoding="utf-8")
        print(printable(f"Written to {out}."), file=sys.stderr)
    emit(filled, as_json, lambda: iter(text))
