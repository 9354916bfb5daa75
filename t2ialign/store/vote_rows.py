"""Surveys and votes as records: the same ones as lines of a shard and as rows, and what is taken in after a crash."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from t2ialign.codec import decode, encode
from t2ialign.store import vote_log
from t2ialign.store.connection import Cursor
from t2ialign.store.database import Store, insert
from t2ialign.store.studies import QUICK, QUICK_TITLE, Study, insert_study, log
from t2ialign.store.vote_log import Record
from t2ialign.study.answers import Answer
from t2ialign.study.manifest import Manifest
from t2ialign.study.records import Survey
from t2ialign.study.trials import Drawn, Trial
from t2ialign.types import content_key

REMEMBERED = 5000  # the newest rounds that balance looks back on


def survey_record(survey: Survey, code: str) -> Record:
    """A survey with its rounds; ``code`` is the hash of its withdraw code."""
    return {
        "kind": "survey",
        "survey": survey.id,
        "study": survey.study,
        "rater_group": survey.group,
        "code": code,
        "created": _stamp(survey.created),
        "trials": encode(survey.trials),
    }


def vote_record(
    study: str,
    survey: str,
    trial: str,
    revision: int,
    answer: Answer,
    milliseconds: int,
    created: datetime,
    blind: bool = True,
) -> Record:
    """A vote; its id is the content hash of survey, round and revision."""
    return {
        "kind": "vote",
        "vote": content_key([survey, trial, revision]),
        "study": study,
        "survey": survey,
        "trial": trial,
        "revision": revision,
        **encode(answer),
        "milliseconds": milliseconds,
        "created": _stamp(created),
        "blind": blind,
    }


def keep(home: Path, cursor: Cursor, study: str, records: Sequence[Record]) -> None:
    """Writes records into the tables and appends them to the study's file (``vote_log``)."""
    insert_records(cursor, records)
    vote_log.append(home, study, records)


def insert_records(cursor: Cursor, records: Iterable[Record]) -> None:
    """Records into the tables; what is there stays, and what was withdrawn goes."""
    surveys, trials, votes, gone = [], [], [], []
    for record in records:
        if record["kind"] == "survey":
            surveys.append({name: record[name] for name in ("survey", "study", "rater_group", "code")} | _time(record))
            names = {"study": record["study"], "survey": record["survey"]}
            for trial in record["trials"]:
                trials.append({"trial": trial["id"], "place": trial["place"], "record": json.dumps(trial)} | names)
        elif record["kind"] == "vote":
            said = {name: record[name] for name in record if name != "kind"} | _time(record)
            votes.append({"counts": [], "confidence": ""} | said)
        elif record["kind"] == "withdrawn":
            gone.append(record["survey"])
    insert(cursor, "surveys", surveys)
    insert(cursor, "trials", trials)
    insert(cursor, "votes", votes)
    for table in ("surveys", "trials", "votes") if gone else ():
        cursor.execute(f"DELETE FROM {table} WHERE survey IN (SELECT unnest(?::VARCHAR[]))", [gone]).fetchall()


def trial_of(text: str) -> Trial:
    """A round from its row's JSON."""
    return decode(Trial, json.loads(text))


def drawn(cursor: Cursor, study: str) -> Drawn:
    """What the study's newest surveys were given, for balance."""
    sql = """
        SELECT trials.record FROM trials JOIN surveys USING (study, survey) WHERE study = ?
        ORDER BY surveys.created DESC LIMIT ?
    """
    rounds = (trial_of(text) for (text,) in cursor.execute(sql, [study, REMEMBERED]).fetchall())
    return Drawn.of((trial.prompt, trial.shown) for trial in rounds if not trial.check)


def ingest_votes(store: Store) -> int:
    """Take in the shards' lines that have no row yet (a crash came between), and finish interrupted withdrawals.

    Returns how many votes that added. Safe to call at any time.
    """
    if store.read_only:
        return 0
    return sum(_take_in(store, path.stem) for path in sorted((store.home / "votes").glob("*.jsonl")))


def _take_in(store: Store, study: str) -> int:
    count = "SELECT count(*) FROM votes WHERE study = ?"
    with store.transaction() as cursor:
        records = list(vote_log.read(vote_log.shard_of(store.home, study)))
        _restore_study(store.home, cursor, study)
        ((before,),) = cursor.execute(count, [study]).fetchall()
        gone = {record["survey"] for record in records if record["kind"] == "withdrawn"}
        staying = [record for record in records if record["kind"] == "withdrawn" or record["survey"] not in gone]
        newest = {record.get("vote", index): record for index, record in enumerate(staying)}  # the last one was meant
        insert_records(cursor, newest.values())
        ((after,),) = cursor.execute(count, [study]).fetchall()
    if any(record["survey"] in gone and record["kind"] != "withdrawn" for record in records):
        with store.transaction():
            forget(store.home, study, gone)
    return int(after - before)


def forget(home: Path, study: str, surveys: Iterable[str]) -> None:
    """Drop surveys from the shard, so that only the line stays that says they were withdrawn."""
    gone = set(surveys)
    vote_log.rewrite(home, study, lambda record: record["kind"] == "withdrawn" or record["survey"] not in gone)


def _restore_study(home: Path, cursor: Cursor, study: str) -> None:
    """Where a database was lost, its studies come back as they stood, from the manifests beside the votes."""
    if cursor.execute("SELECT 1 FROM studies WHERE study = ?", [study]).fetchall():
        return
    created, file = datetime.now(UTC), home / "votes" / f"{study}.json"
    if study == QUICK:
        insert_study(cursor, Study(QUICK, QUICK_TITLE, "open", created, None, blind=False), "")
    elif file.exists():
        text = file.read_text(encoding="utf-8")
        manifest = decode(Manifest, json.loads(text))
        steps = [
            record["state"] for record in vote_log.read(vote_log.shard_of(home, study)) if record["kind"] == "state"
        ]
        found = Study(study, manifest.design.title, (steps or ["open"])[-1], created, manifest.design, manifest.hash)
        insert_study(cursor, found, text)
        log(cursor, study, "restored from the files beside its votes")


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _time(record: Record) -> dict[str, datetime]:
    return {"created": datetime.fromisoformat(record["created"]).astimezone(UTC).replace(tzinfo=None)}
