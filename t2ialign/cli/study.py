"""Commands about preference studies: statistics of anybody's votes, and the owner's steps from design to export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, StorePath, emit, printable, progress

if TYPE_CHECKING:
    from t2ialign.study.strengths import Strengths

commands = typer.Typer(help="Preference studies: design, open, close, results, export; statistics of any votes.")
app.add_typer(commands, name="study")

StudyId = Annotated[str, typer.Argument(help="The study's id, as `study list` prints it.")]


@commands.command()
def agreement(
    answers: Path,
    level: Annotated[str, typer.Option(help="nominal; interval or ratio where answers are numbers.")] = "nominal",
    as_json: JsonFlag = False,
) -> None:
    """Krippendorff's alpha with its interval, from a CSV with the columns unit, rater, answer."""
    from t2ialign.study.agreement import agreement as compute
    from t2ialign.study.tables import read_ratings

    said: list[str] = []
    found = compute(read_ratings(answers, said.append), level)
    record = {
        "alpha": found.alpha.mean,
        "lo": found.alpha.lo,
        "hi": found.alpha.hi,
        "level": level,
        "units": found.units,
        "raters": found.raters,
        "answers": found.answers,
        "note": " ".join(filter(None, (found.note, *said))),
    }
    about = f"{found.answers} answers of {found.raters} raters about {found.units} units"
    line = found.note or f"alpha {found.alpha.mean:.3f} ({found.alpha.lo:.3f} to {found.alpha.hi:.3f}), {about}"
    emit(record, as_json, lambda: iter([line, *said]))


@commands.command()
def strengths(votes: Path, as_json: JsonFlag = False) -> None:
    """Bradley-Terry (Davidson, with ties) strengths from a CSV with the columns left, right, outcome (left, right, tie)."""
    from t2ialign.study.strengths import strengths as compute
    from t2ialign.study.tables import read_duels

    said: list[str] = []
    found = compute(read_duels(votes, said.append))
    found = replace(found, note=" ".join(filter(None, (found.note, *said))))
    emit(strengths_record(found), as_json, lambda: _strength_lines(found))


@commands.command()
def new(
    design: Annotated[Path, typer.Argument(help="The design as TOML (docs/study.md shows one).")],
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Write down a new draft and print its id."""
    from t2ialign.store.studies import add_study
    from t2ialign.study.design import read_design

    parsed = read_design(design)
    with _bench(store) as bench:
        study = add_study(bench.store, parsed)
    emit({"study": study.id, "state": study.state}, as_json, lambda: iter([study.id]))


@commands.command(name="list")
def list_all(store: StorePath = None, as_json: JsonFlag = False) -> None:
    """List all studies, the newest first."""
    from t2ialign.store.studies import list_studies
    from t2ialign.store.votes import count_answers

    with _bench(store) as bench:
        rows = [
            {"study": s.id, "title": s.title, "state": s.state, "answers": count_answers(bench.store, s.id)}
            for s in list_studies(bench.store, quick=True)
        ]
    emit(rows, as_json, lambda: (f"{r['study']:<40} {r['state']:<7} {r['answers']:>6}  {r['title']}" for r in rows))


@commands.command(name="open")
def open_(study: StudyId, store: StorePath = None, as_json: JsonFlag = False) -> None:
    """Make the pictures that are missing, freeze the study and open it; a paused study is resumed."""
    from t2ialign.store.studies import set_state, study_of
    from t2ialign.use_cases.batches.sweep import note_lines
    from t2ialign.use_cases.studies.prepare import notes_on, prepare, publish

    with _bench(store) as bench:
        found = study_of(bench.store, study)
        notes: tuple[tuple[str, tuple[str, ...]], ...] = ()
        if found.state == "draft" and found.design is not None:
            with progress("pictures") as show:
                for state in prepare(bench, found.design):
                    show(state.fraction, state.remaining)
            notes = notes_on(bench, found.design)
            found = publish(bench, study)
        else:
            found = set_state(bench.store, study, "open")
    record = {"study": study, "state": found.state, "hash": found.hash, "notes": notes}
    emit(record, as_json, lambda: iter([f"{study} is open", *note_lines(notes)]))


@commands.command()
def pause(study: StudyId, store: StorePath = None, as_json: JsonFlag = False) -> None:
    """Take no answers for now; `study open` goes on."""
    _step(study, "paused", store, as_json)


@commands.command()
def close(study: StudyId, store: StorePath = None, as_json: JsonFlag = False) -> None:
    """Take no more answers, for good."""
    _step(study, "closed", store, as_json)


@commands.command()
def results(
    study: StudyId,
    group: Annotated[str, typer.Option(help="Only this group of raters.")] = "",
    table: Annotated[Path | None, typer.Option("--csv", help="Also write the numbers there, a row a number.")] = None,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Everything that the answers say so far."""
    from t2ialign.use_cases.studies.results import result_lines, study_results
    from t2ialign.use_cases.studies.results_table import write_results

    with _bench(store) as bench:
        found = study_results(bench.store, study, group)
    if table is not None:
        write_results(found.results, table)
    emit(found, as_json, lambda: result_lines(found))


@commands.command()
def exclude(
    study: StudyId,
    rule: Annotated[str, typer.Argument(help="attention, fast, constant, short or survey.")],
    value: Annotated[float, typer.Option(help="The rule's threshold.")] = 0.0,
    survey: Annotated[str, typer.Option(help="The survey that the rule `survey` leaves out.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the log.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the rule back.")] = False,
    store: StorePath = None,
) -> None:
    """Leave surveys out by rule; nothing is deleted, and the log says what was done."""
    from t2ialign.store import studies
    from t2ialign.study.exclusion import checked_rule

    with _bench(store) as bench:
        change = studies.include if undo else studies.exclude
        change(bench.store, study, checked_rule(rule, value, survey), reason)
        for when, event in studies.study_log(bench.store, study):
            print(printable(f"{when:%Y-%m-%d %H:%M} {event}"))


@commands.command()
def export(
    study: StudyId,
    out: Annotated[Path, typer.Argument(help="A folder, or a .parquet file with --as votes or pairs.")],
    form: Annotated[str, typer.Option("--as", help="csv (a file a survey), votes, pairs (Pick-a-Pic) or all.")] = "csv",
    push: Annotated[str, typer.Option(help="Upload everything as this dataset on the Hub (org/name).")] = "",
    store: StorePath = None,
) -> None:
    """Export the votes; nothing in them tells who answered."""
    from t2ialign.hub import study_folder, votes_dataset
    from t2ialign.types import InputError

    forms = {
        "csv": study_folder.export_csv,
        "votes": study_folder.export_parquet,
        "pairs": study_folder.export_pairs,
        "all": study_folder.export_folder,
    }
    if form not in forms:
        raise InputError(f"Votes are exported as {', '.join(forms)}, not as {form!r}.")
    with _bench(store) as bench:
        written = forms[form](bench.store, study, out)
        print(f"{len(written)} files in {out}" if isinstance(written, list) else written)
        if push:
            print(votes_dataset.push_study(bench.store, study, push))


@commands.command(name="import")
def import_(
    source: Annotated[str, typer.Argument(help="A folder that `study export` made, its zip, or hub:ORG/NAME.")],
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Take in an exported study, closed; doing it again adds nothing."""
    from t2ialign.hub.study_folder import import_folder, import_zip
    from t2ialign.hub.votes_dataset import pull_study
    from t2ialign.settings import expanded

    kind, _, name = source.partition(":")
    with _bench(store) as bench:
        if kind == "hub":
            study, count = pull_study(bench.store, name)
        else:
            take_in = import_zip if source.endswith(".zip") else import_folder
            study, count = take_in(bench.store, expanded(source))
    emit({"study": study.id, "votes": count}, as_json, lambda: iter([f"{study.id}: {count} new answers"]))


@commands.command()
def simulate(
    study: StudyId,
    surveys: Annotated[int, typer.Option(help="How many surveys to answer.")] = 10,
    careless: Annotated[float, typer.Option(help="Share of raters who answer at random.")] = 0.0,
    seed: Annotated[int, typer.Option(help="The same seed, the same raters.")] = 0,
    store: StorePath = None,
) -> None:
    """Let the embedded world's raters answer an open study: for demonstrations, never for findings about people."""
    from t2ialign.use_cases.studies.simulated_raters import simulate as answer

    with _bench(store) as bench, progress("surveys") as show:
        for done in answer(bench, study, surveys, careless, seed):
            show(done / surveys, None)


@commands.command()
def follow(
    study: StudyId,
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint that was trained on the study's votes.")],
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Write down the same study once more, as a draft: this checkpoint against its parent."""
    from t2ialign.use_cases.studies.prepare import follow_up

    with _bench(store) as bench:
        found = follow_up(bench, study, checkpoint)
    emit({"study": found.id, "state": found.state}, as_json, lambda: iter([found.id]))


def strengths_record(found: Strengths) -> dict[str, Any]:
    """Strengths as the command prints them: log-odds about a mean of 0, with 95 % intervals."""
    return {
        "model": found.model,
        "scale": "log-odds",
        "strengths": [
            {
                "name": one.name,
                "strength": one.strength.mean,
                "lo": one.strength.lo,
                "hi": one.strength.hi,
                "wins": one.wins,
                "losses": one.losses,
                "ties": one.ties,
            }
            for one in found.contenders
        ],
        "tie": found.tie,
        "votes": found.votes,
        "raters": found.raters,
        "note": found.note,
    }


def _strength_lines(found: Strengths) -> Iterator[str]:
    yield f"{found.model}, {found.votes} votes, log-odds about a mean of 0"
    for one in found.contenders:
        interval = f"{one.strength.mean:+.3f} ({one.strength.lo:+.3f} to {one.strength.hi:+.3f})"
        yield f"{one.name:<24} {interval}  {one.wins} won, {one.losses} lost, {one.ties} tied"
    if found.note:
        yield found.note


def _step(study: str, state: Any, store: Path | None, as_json: bool) -> None:
    from t2ialign.store.studies import set_state

    with _bench(store) as bench:
        found = set_state(bench.store, study, state)
    emit({"study": study, "state": found.state}, as_json, lambda: iter([f"{study} is {found.state}"]))


def _bench(store: Path | None) -> Any:
    """The workbench of the store's only owner; studies cannot be changed behind a running app's back."""
    from t2ialign.use_cases.workbench import open_workbench

    return open_workbench(store, share=False)
