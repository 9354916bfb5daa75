"""Explore's templates, each through the function that renders it, with hostile text wherever text may come in."""

from dataclasses import replace
from datetime import UTC, datetime

from t2ialign.dashboard.explore.example_prompts import chips
from t2ialign.dashboard.explore.progress_view import progress
from t2ialign.dashboard.explore.run_history import HistoryRow
from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.links import Subject
from t2ialign.dashboard.shared.templates import render
from t2ialign.types import GenerationConfig, Prompt
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.run import RunState
from t2ialign.use_cases.batches.score_batch import BatchState
from tests.dashboard.outline import EVIL


def working() -> str:
    batches = (
        BatchState(BatchRequest(Prompt("a ring"), EVIL, (0, 1)), GenerationConfig("tiny"), "generating"),
        BatchState(BatchRequest(Prompt("a ring"), "base", (0, 1)), GenerationConfig("tiny"), "waiting"),
    )
    return progress(RunState("", batches), "running", 0, Subject(run=EVIL))


def history() -> str:
    look = ((EVIL, Look("#000", "#fff")),)
    row = HistoryRow(
        EVIL, datetime(2026, 1, 1, tzinfo=UTC), EVIL, EVIL, EVIL, (EVIL, "a.webp"), look, EVIL, True, EVIL, EVIL
    )
    rows = [row, replace(row, pictures=(), starred=False)]
    return render("explore/run_history.html", rows=rows, searched=True)


def forgotten() -> str:
    return render("explore/forgotten.html", id=EVIL, title=EVIL)


SAMPLES = {
    "explore/run_history.html": history,
    "explore/forgotten.html": forgotten,
    "explore/progress.html": working,
    "explore/example_prompts.html": lambda: chips([Prompt(EVIL, EVIL), Prompt(EVIL[::-1], EVIL[::-1])]),
}
