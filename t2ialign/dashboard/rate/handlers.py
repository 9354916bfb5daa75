"""Taking part in a study: what a rater's browser (or a program) is told, and what it may say. Plain functions of the store.

Blind: rounds name no method, no cell, no seed and no file; a picture's address is a hash that this survey alone has, and its
bytes are no other page's.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from t2ialign.codec import encode
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.words import CONSENT
from t2ialign.limits import is_text
from t2ialign.store import Store
from t2ialign.store.studies import Study, manifest_of, picture_of, study_of
from t2ialign.store.vote_queries import answers_of, survey_of
from t2ialign.store.votes import NOT_OPEN, begin_survey, record_answer, withdraw
from t2ialign.study.answers import Answer
from t2ialign.study.design import StudyDesign
from t2ialign.study.manifest import Manifest
from t2ialign.study.records import Survey
from t2ialign.study.trials import Trial, draw, training_example
from t2ialign.types import InputError, content_key
from t2ialign.use_cases.studies.prepare import draft_manifest

Record = dict[str, Any]
PREVIEW = "preview-"
SECRET = secrets.randbits(128)  # of this process: without it nobody can take the noise off again
# What the example says about what does not belong, and the two ways to pick nothing, by what is asked for.
EXAMPLES = {
    "fits": "{} shows nothing of the text, so it should not be chosen.",
    "better": "{} shows nothing at all, so it should not be chosen.",
    "varied": "{} shows one picture again and again, so it is not varied.",
}
VERDICTS = {
    "fits": {"tie": "Both fit equally well", "neither": "Neither fits"},
    "better": {"tie": "As good as each other", "neither": "Both bad"},
    "varied": {"tie": "Both equally varied", "neither": "Neither is varied"},
}


def look(store: Store, study: Any, key: Any = "") -> Record:
    """What anybody with the link may know of a study. ``sentence`` says why one cannot take part ("" where one can).

    ``key`` is the owner's signature in the link of a draft's preview, where a token is set.
    """
    found = _public(store, study, key)
    design = found.designed
    preview = found.state == "draft"
    return {
        "title": design.title,
        "instructions": design.instructions,
        "consent": design.consent or CONSENT,
        "question": design.question,
        "kind": design.answer.kind,
        "verdicts": list(VERDICTS[design.answer.aspect].items()) if design.answer.kind == "pick" else [],
        "groups": list(design.groups) if len(design.groups) > 1 else [],
        "rounds": design.rounds + design.checks,
        "endless": design.endless,
        "preview": preview,
        "sentence": _why_not(store, found) if preview else NOT_OPEN.get(found.state, ""),
    }


def join(store: Store, study: Any, group: Any = "", consent: Any = False, key: Any = "") -> Record:
    """A new survey with its rounds and its withdraw code; a draft gives a preview of which nothing is kept.

    Raises:
        InputError: no consent, no such group, or the study is not open.
    """
    if consent is not True:
        raise InputError("Taking part needs your consent: tick the box first.")
    found = _public(store, study, key)
    if found.state == "draft":
        nonce = secrets.token_hex(8)
        return {**_preview(store, study, f"{PREVIEW}{nonce}-{owner.sign(nonce + study)}"), "code": "PREVIEW"}
    begun = begin_survey(store, study, text(group, "group"))
    return {**_told(store, manifest_of(store, study), begun.survey), "code": begun.code}


def resume(store: Store, study: Any, survey: Any) -> Record:
    """A survey as it stands: every round, with the answer where there is one."""
    study, survey = text(study, "study"), text(survey, "survey")
    if survey.startswith(PREVIEW):
        return _preview(store, study, survey)
    return _told(store, manifest_of(store, study), survey_of(store, study, survey))


def answer(
    store: Store, study: Any, survey: Any, trial: Any, answer: Any, milliseconds: Any, revision: Any = 0
) -> Record:
    """Keep an answer; it is on disk once this returns. ``saved`` is False where this very answer was kept before.

    In an arena, and only there, ``made`` says who made what, by position: the answer is given, and stays.

    Raises:
        InputError: whatever ``record_answer`` refuses, or something that is no answer at all.
    """
    given = _answer(answer)
    study, survey, trial = text(study, "study"), text(survey, "survey"), text(trial, "trial")
    milliseconds, revision = _whole(milliseconds, "response time"), _whole(revision, "revision")
    if survey.startswith(PREVIEW):
        shown = next((one for one in _previewed(store, study, survey)[1] if one.id == trial), None)
        if shown is None:
            raise InputError("This survey has no such round.")
        shown.checked(given)
        return {"saved": True, "preview": True}
    endless = manifest_of(store, study).design.endless
    if revision and endless:
        raise InputError("In an arena an answer stays as it is: you have been told who made what.")
    kept = {"saved": record_answer(store, study, survey, trial, given, milliseconds, revision)}
    return {**kept, "made": made_by(store, study, survey, trial)} if endless else kept


def made_by(store: Store, study: str, survey: str, trial: str) -> list[str]:
    """Who made what in a round that has been answered, by position; empty for one that has not."""
    given = next((vote for vote in answers_of(store, study, survey) if vote.trial.id == trial), None)
    return [" and ".join(exhibit.contenders) for exhibit in given.trial.shown] if given else []


def take_back(store: Store, study: Any, code: Any) -> Record:
    """Withdraw the survey of this code; ``answers`` says how many that deleted."""
    if code == "PREVIEW":
        return {"answers": 0}
    return {"answers": withdraw(store, text(study, "study"), text(code, "code").strip().upper())}


def picture(store: Store, study: str, survey: str, name: str) -> bytes:
    """The picture (WebP) behind an address of this survey; ``InputError`` where the survey has no such address."""
    if survey.startswith(PREVIEW):
        manifest, trials = _previewed(store, study, survey)
    else:
        manifest, trials = manifest_of(store, study), survey_of(store, study, survey).trials
    shas = {key: sha for trial in (*trials, *_examples(manifest, survey)) for key, sha in _keys(survey, trial)}
    if name not in shas:
        raise InputError("There is no such picture.")
    return unlike(picture_of(store, shas[name]), name)


@lru_cache(maxsize=64)
def unlike(data: bytes, name: str) -> bytes:
    """The picture as raters get it: every number off by one at most, so that no hash finds it under a checkpoint's name."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    rng = np.random.default_rng([int(name, 16), SECRET])
    noise = rng.integers(-1, 2, (picture.height, picture.width, 3), dtype=np.int16)
    pixels = (np.asarray(picture, dtype=np.int16) + noise).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, method=1, quality=20)
    return buffer.getvalue()


def waiting(store: Store, survey: Survey) -> list[Record]:
    """The rounds of a survey that have no answer yet, as its rater sees them."""
    given = {vote.trial.id for vote in answers_of(store, survey.study, survey.id)}
    rounds = [_round(survey.study, survey.id, trial) for trial in survey.trials if trial.id not in given]
    return [{**one, "answer": None, "revision": -1} for one in rounds]


def _told(store: Store, manifest: Manifest, survey: Survey) -> Record:
    given = {vote.trial.id: vote for vote in answers_of(store, survey.study, survey.id)}
    rounds = []
    for trial in survey.trials:
        vote = given.get(trial.id)
        said = {"answer": encode(vote.answer), "revision": vote.revision} if vote else {"answer": None, "revision": -1}
        rounds.append({**_round(survey.study, survey.id, trial), **said})
    return {"survey": survey.id, "rounds": rounds, "example": _example(survey.study, survey.id, manifest)}


def _round(study: str, survey: str, trial: Trial) -> Record:
    """What a rater sees of a round: the prompt and addresses, by position."""
    keys = iter([key for key, _ in _keys(survey, trial)])
    options = [[f"{study}/{survey}/{next(keys)}.webp" for _ in exhibit.pictures] for exhibit in trial.shown]
    return {"trial": trial.id, "prompt": trial.prompt, "options": options, "most": trial.most}


def _keys(survey: str, trial: Trial) -> Iterator[tuple[str, str]]:
    """Addresses and hashes of a round's pictures, in the order of the positions."""
    for place, exhibit in enumerate(trial.shown):
        for index, sha in enumerate(exhibit.pictures):
            yield content_key(["picture", survey, trial.id, place, index]), sha


def _example(study: str, survey: str, manifest: Manifest) -> Record | None:
    """A round to learn on, with the place of what does not belong; None where the study has no decoys."""
    for trial in _examples(manifest, survey):
        decoy = next(place for place, exhibit in enumerate(trial.shown) if exhibit.is_decoy)
        what = "Set" if len(trial.shown[decoy].pictures) > 1 else "Picture"
        because = EXAMPLES[manifest.design.answer.aspect].format(f"{what} {decoy + 1}")
        return {**_round(study, survey, trial), "decoy": decoy, "because": because}
    return None


def _examples(manifest: Manifest, survey: str) -> tuple[Trial, ...]:
    has_decoys = manifest.decoys or manifest.design.answer.aspect == "varied"
    return (training_example(manifest, survey),) if has_decoys else ()


def _preview(store: Store, study: str, survey: str) -> Record:
    manifest, trials = _previewed(store, study, survey)
    rounds = [{**_round(study, survey, trial), "answer": None, "revision": -1} for trial in trials]
    return {"survey": survey, "rounds": rounds, "example": _example(study, survey, manifest)}


def _previewed(store: Store, study: str, survey: str) -> tuple[Manifest, tuple[Trial, ...]]:
    nonce, _, key = survey.removeprefix(PREVIEW).partition("-")
    if not owner.signed(nonce + text(study, "study"), key):
        raise InputError(NOT_OPEN["draft"])
    found = study_of(store, study)
    if found.state != "draft" or found.design is None:
        raise InputError("This preview is over: the study has been opened.")
    return _drawn(store, found.design, survey)


@lru_cache(maxsize=8)
def _drawn(store: Store, design: StudyDesign, survey: str) -> tuple[Manifest, tuple[Trial, ...]]:
    """A preview's rounds; the last few are kept, because every picture asks for them again."""
    manifest = draft_manifest(store, design)
    return manifest, draw(manifest, survey)


def _why_not(store: Store, study: Study) -> str:
    """Why a draft cannot be previewed yet ("" where it can)."""
    try:
        draft_manifest(store, study.designed)
    except InputError as error:
        return str(error)
    return ""


def _public(store: Store, study: Any, key: Any) -> Study:
    """A study that people may be invited to, or a draft that its owner looks at."""
    found = study_of(store, text(study, "study"))
    if found.design is None:
        raise InputError("This is no study that one can take part in.")
    if found.state == "draft" and not owner.signed(found.id, text(key, "key")):
        raise InputError(NOT_OPEN["draft"])
    return found


def _answer(said: Any) -> Answer:
    """An answer from outside, of which nothing is certain."""
    chosen, verdict = (said.get("chosen"), said.get("verdict", "")) if isinstance(said, Mapping) else (None, None)
    if not isinstance(chosen, list) or not isinstance(verdict, str) or not is_text(verdict):
        raise InputError("An answer has 'chosen', a list of positions, and perhaps a 'verdict'.")
    return Answer(tuple(_whole(place, "position") for place in chosen), verdict)


def _whole(said: Any, name: str) -> int:
    if isinstance(said, bool) or not isinstance(said, int):
        raise InputError(f"A {name} is given in whole numbers.")
    return said


def text(said: Any, name: str) -> str:
    """A short text from outside; ``InputError`` for anything else."""
    if not isinstance(said, str) or len(said) > 200 or not is_text(said):
        raise InputError(f"The {name} is a short text.")
    return said
