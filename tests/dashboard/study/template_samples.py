"""Study's templates, each through the function that renders it, with hostile text wherever text may come in."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from markupsafe import Markup

from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.study.results_view import sentences, table, tables
from t2ialign.dashboard.study.status_view import StudyStatus, arenas, history, invitation, standing
from t2ialign.dashboard.study.verdict_view import contested_panel, headline
from t2ialign.study.answers import Answer
from t2ialign.study.contested import Contested
from t2ialign.study.manifest import Exhibit
from t2ialign.study.results import results
from tests.dashboard.outline import EVIL
from tests.study.conftest import vote

OPEN = StudyStatus(EVIL, EVIL, "open", 3, 10, 2, hash=EVIL)
DRAFT = replace(OPEN, state="draft", missing=3, batches=8, key=EVIL)
ROWS = [[EVIL, EVIL], ["a", "b"]]
WHEN = datetime(2026, 1, 2, 3, 4)


def standings() -> str:
    making = replace(DRAFT, fraction=0.25, remaining=40.0)
    return Markup().join(standing(one) for one in (OPEN, DRAFT, replace(DRAFT, missing=8), making))


def invitations() -> str:
    return Markup().join(invitation(EVIL, EVIL, state, "<svg></svg>") for state in ("draft", "open", "paused"))


def verdicts() -> str:
    said = [vote(["a", "b"], Answer((place % 2,)), "pick", f"s{place}") for place in range(3)]
    found = results(said)
    assert found.strengths
    first, second = found.strengths.contenders
    return headline(
        replace(found, strengths=replace(found.strengths, contenders=(replace(first, name=EVIL), second))), None
    )


def quarrels() -> str:
    one, other = (Exhibit((EVIL,), EVIL, (seed,), (EVIL,) * 4) for seed in (0, 1))
    return contested_panel([Contested(EVIL, one, other, 2, 2, 1)], lambda sha: "data:," + str(len(sha)))


SAMPLES = {
    "study/arenas.html": partial(arenas, [(EVIL, EVIL)]),
    "study/contenders.html": partial(render, "study/contenders.html"),
    "study/contested.html": quarrels,
    "study/headline.html": verdicts,
    "study/history.html": partial(history, [(WHEN, EVIL)]),
    "study/invitation.html": invitations,
    "study/jobs.html": partial(render, "study/jobs.html", jobs=[(EVIL, EVIL, EVIL)]),
    "study/nobody.html": partial(render, "study/nobody.html"),
    "study/sentences.html": lambda: sentences(replace(results([]), answers=3, notes=(EVIL,))),
    "study/standing.html": standings,
    "study/table.html": partial(table, EVIL, [EVIL, EVIL], ROWS),
    "study/tables.html": lambda: tables([table(EVIL, [EVIL, ""], ROWS)]),
}
