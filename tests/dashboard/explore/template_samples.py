"""Explore's templates, each through the function that renders it, with hostile text wherever text may come in."""

from t2ialign.dashboard.explore.example_prompts import chips
from t2ialign.dashboard.explore.progress_view import progress
from t2ialign.dashboard.shared.links import Subject
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


SAMPLES = {
    "explore/progress.html": working,
    "explore/example_prompts.html": lambda: chips([Prompt(EVIL, EVIL), Prompt(EVIL[::-1], EVIL[::-1])]),
}
