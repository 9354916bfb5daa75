"""Align's templates, each through the function that renders it, with hostile text wherever text may come in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from markupsafe import Markup

from t2ialign.dashboard.align.job_state import TrainingJobState
from t2ialign.dashboard.align.job_view import curve_title, history, result, status_line
from t2ialign.dashboard.align.methods_view import method_cards
from t2ialign.dashboard.align.pairs_view import ShownChoice, ShownPair, kept, pairs
from t2ialign.dashboard.align.samples_view import Moment, strip
from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.templates import render
from t2ialign.job_record import Job
from t2ialign.methods import METHODS
from t2ialign.use_cases.align.manifest import manifest_of
from t2ialign.use_cases.align.request import AlignRequest
from tests.dashboard.outline import EVIL

NOW = datetime(2026, 1, 2, tzinfo=UTC)
JOB = Job(EVIL, EVIL, "align", "cpu", ("align", EVIL, "--name", EVIL), NOW, started=NOW, ended=NOW, message=EVIL)
CHILD = replace(JOB, id="child", parent=EVIL, command=("align", "f_dpo", "--name", "child"))
REQUEST = AlignRequest(EVIL, EVIL, parent=EVIL)
INTERVAL = {"mean": 0.5, "lo": 0.4, "hi": 0.6}
GAINS = {"oracle_alignment": {"before": INTERVAL, "after": INTERVAL, "difference": INTERVAL}}
SCORES = {"prompts": 10, "seeds": 4, "win_rate": {"by": EVIL, **INTERVAL}, "metrics": GAINS}
METHOD = replace(METHODS["f_dpo"], name=EVIL, title=EVIL, summary=EVIL)
MOMENTS = [Moment(step, ((EVIL, (EVIL, "")),)) for step in (0, 1500)]


def watched(status: str) -> TrainingJobState:
    job = replace(JOB, status=status)
    return TrainingJobState(job, REQUEST, (), (), total=200, ahead=1, manifest=manifest_of({"scores": SCORES}))


def statuses() -> str:
    return Markup().join(status_line(watched(status), [EVIL]) for status in ("queued", "running", "failed", "done"))


def runs() -> str:
    looks = {EVIL: Look("#111111", "#eeeeee")}
    return history([JOB, CHILD], looks, EVIL, NOW + timedelta(hours=1)) + history([], {}, "")


SAMPLES = {
    "align/command.html": partial(render, "align/command.html"),
    "align/curve_title.html": partial(curve_title, EVIL, EVIL),
    "align/history.html": runs,
    "align/intro.html": partial(render, "align/intro.html"),
    "align/kept.html": partial(kept, [ShownChoice(EVIL, ((EVIL, True), (EVIL, False)))], EVIL, True),
    "align/methods.html": partial(method_cards, [METHOD], EVIL),
    "align/pairs.html": partial(pairs, [ShownPair(EVIL, EVIL, EVIL)], EVIL, True),
    "align/result.html": lambda: result(watched("done"), EVIL),
    "align/samples.html": partial(strip, MOMENTS, True),
    "align/status.html": statuses,
}
