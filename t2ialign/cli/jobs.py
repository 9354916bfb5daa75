"""Commands that look at jobs and say what should become of them, with or without a running app.

They read and write the files of the jobs' folders. Where no other process has the store open, they do at once what the
app would do; where one has, they leave a request that the app grants within seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import JsonFlag, StorePath, printable

if TYPE_CHECKING:
    from t2ialign.jobs.folder import JobFolder, JobRequest

PATIENCE = 5.0  # seconds to wait for the app
STOPPING = 30.0  # seconds to wait for a worker that no app looks after
JobId = Annotated[str, typer.Argument(help="The job's id, or its beginning.")]

commands = typer.Typer(help="Long work in the background.", no_args_is_help=True)
app.add_typer(commands, name="jobs")


@commands.command(name="list")
def list_all(store: StorePath = None, as_json: JsonFlag = False) -> None:
    """List all jobs, oldest first."""
    from t2ialign.codec import encode
    from t2ialign.jobs.summary import in_words, summaries_of

    jobs = summaries_of(_home(store))
    _emit(encode(jobs), as_json, lambda: map(in_words, jobs))


@commands.command()
def show(
    job: JobId,
    lines: Annotated[int, typer.Option(min=0, help="Lines of its log.")] = 20,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Show one job: how it stands, its command line and the end of its log."""
    from t2ialign.codec import encode
    from t2ialign.jobs.folder import find_folder
    from t2ialign.jobs.summary import in_words, summary_of

    folder = find_folder(_home(store), job)
    found, log = summary_of(folder), folder.tail(lines) if lines else []
    command = f"python -m t2ialign {' '.join(found.command)}"
    said = [found.message] if found.message else []
    record = {**encode(found), "folder": str(folder.path), "log": log}
    _emit(record, as_json, lambda: (in_words(found), command, *said, *log))


@commands.command()
def cancel(job: JobId, store: StorePath = None, as_json: JsonFlag = False) -> None:
    """Stop a job. Its saved state stays until it is discarded."""
    _request(job, "cancel", store, as_json)


@commands.command()
def pause(job: JobId, store: StorePath = None, as_json: JsonFlag = False) -> None:
    """Let a job save its state and leave memory; `resume` lets it go on."""
    _request(job, "pause", store, as_json)


@commands.command()
def resume(job: JobId, store: StorePath = None, as_json: JsonFlag = False) -> None:
    """Put a paused, interrupted, failed or cancelled job back into the queue: it goes on from its saved state."""
    _request(job, "resume", store, as_json)


@commands.command()
def discard(job: JobId, store: StorePath = None, as_json: JsonFlag = False) -> None:
    """Delete a job with its folder and measurements. A checkpoint that it finished stays."""
    _request(job, "discard", store, as_json)


def _request(job: str, request: JobRequest, store: Path | None, as_json: bool) -> None:
    from t2ialign.jobs import transitions
    from t2ialign.jobs.folder import find_folder
    from t2ialign.jobs.summary import summary_of
    from t2ialign.store import StoreBusy, open_store

    home = _home(store)
    folder = find_folder(home, job)
    transitions.check(folder.id, summary_of(folder).status, folder.asked(), request)
    try:
        with open_store(home) as opened:
            status, app_runs = _do(opened, folder, request), False
    except StoreBusy:
        folder.ask(request)
        status, app_runs = _await(folder, request), True
    result = {"job": folder.id, "asked": request, "status": status, "granted": _granted(request, status)}
    _emit(result, as_json, lambda: [_sentence(result, app_runs)])


def _do(opened: Any, folder: JobFolder, request: JobRequest) -> str:
    """Act as the app would; returns the job's status."""
    from t2ialign.jobs.supervisor import Supervisor

    supervisor = Supervisor(opened)
    {
        "cancel": supervisor.cancel,
        "pause": supervisor.pause,
        "resume": supervisor.resume,
        "discard": supervisor.discard,
    }[request](folder.id)
    if request == "discard":
        return "discarded"
    return supervisor.settle(folder.id, STOPPING).status if request != "resume" else supervisor.job(folder.id).status


def _await(folder: JobFolder, request: JobRequest) -> str:
    """Wait a little until the app has written down what it did; returns the job's status."""
    deadline = time.monotonic() + PATIENCE
    while job := folder.told():
        if _granted(request, job.status) or time.monotonic() > deadline:
            return job.status
        time.sleep(0.1)
    return "discarded"


def _granted(request: JobRequest, status: str) -> bool:
    wanted = {
        "cancel": ("cancelled", "done", "failed"),
        "pause": ("paused", "done", "failed"),
        "resume": ("queued", "running"),
        "discard": ("discarded",),
    }
    return status in wanted[request]


def _sentence(result: dict[str, Any], app_runs: bool) -> str:
    job, status = result["job"], result["status"]
    if not result["granted"]:
        who = "the process that has the store open sees to it" if app_runs else "its worker does so at its next step"
        return f"Job {job} has been asked to {result['asked']} ({who}); it is {status} now."
    if status == "queued" and not app_runs:
        return f"Job {job} is queued: it starts when the app runs."
    return f"Job {job} is {status}."


def _home(store: Path | None) -> Path:
    from t2ialign import settings

    return store or settings.HOME


def _emit(result: Any, as_json: bool, lines: Callable[[], Iterable[str]]) -> None:
    if as_json:
        print(json.dumps(result))
    else:
        for line in lines():
            print(printable(line))
