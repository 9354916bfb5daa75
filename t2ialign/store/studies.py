"""Studies: their designs while they are drafted, their frozen manifests afterwards, their state, and a log of it all.

draft -> open <-> paused -> closed. A study is frozen when it opens: what it shows has a hash, and never changes again.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from t2ialign.codec import decode, encode
from t2ialign.files import write_whole
from t2ialign.store import images, vote_log
from t2ialign.store.connection import Cursor
from t2ialign.store.database import Store
from t2ialign.study.design import StudyDesign, checked
from t2ialign.study.exclusion import Rule
from t2ialign.study.manifest import Manifest
from t2ialign.types import InputError

State = Literal["draft", "open", "paused", "closed"]
STEPS: dict[State, tuple[State, ...]] = {
    "draft": ("open",),
    "open": ("paused", "closed"),
    "paused": ("open", "closed"),
    "closed": (),
}
QUICK = "explore"  # the study that the quick votes of the Explore page belong to
QUICK_TITLE = "Quick votes from Explore"
COLUMNS = "study, title, state, created, design, hash, blind, parent"


@dataclass(frozen=True)
class Study:
    """A study as the store knows it. ``id`` fits in a link; ``hash`` is its manifest's ("" while it is a draft).

    ``design`` is None for the quick votes, which nobody designed; ``blind`` says whether raters were told who made what;
    ``parent`` is the checkpoint or study that this one follows up ("" = none).
    """

    id: str
    title: str
    state: State
    created: datetime
    design: StudyDesign | None
    hash: str = ""
    blind: bool = True
    parent: str = ""

    @property
    def designed(self) -> StudyDesign:
        """The design; ``InputError`` for the quick votes."""
        if self.design is None:
            raise InputError("The quick votes of the Explore page have no design: choose a study that was designed.")
        return self.design


def add_study(store: Store, design: StudyDesign, parent: str = "") -> Study:
    """Write down a new draft. ``InputError`` where the design is not valid."""
    words = re.sub(r"[^a-z0-9]+", "-", checked(design).title.lower()).strip("-")[:32].strip("-") or "study"
    study = Study(f"{words}-{secrets.token_hex(3)}", design.title, "draft", datetime.now(UTC), design, parent=parent)
    with store.transaction() as cursor:
        insert_study(cursor, study, "")
        log(cursor, study.id, "drafted")
    return study


def save_design(store: Store, study: str, design: StudyDesign) -> Study:
    """Replace a draft's design. ``InputError`` once it has been opened: it is frozen."""
    checked(design)
    with store.transaction() as cursor:
        if state_of(cursor, study) != "draft":
            raise InputError("This study is frozen since it was opened: make a new one from its design instead.")
        sql = "UPDATE studies SET title = ?, design = ? WHERE study = ?"
        cursor.execute(sql, [design.title, json.dumps(encode(design)), study]).fetchall()
    return study_of(store, study)


def open_study(store: Store, study: str, manifest: Manifest) -> Study:
    """Freeze a draft with its manifest and open it.

    The manifest and the pictures lie beside the votes as files too, so that the folder ``votes`` is whole without the
    database. Raises ``InputError`` where a picture is missing or the study is no draft.
    """
    check_pictures(store, sorted(manifest.pictures))
    text = json.dumps(encode(manifest), ensure_ascii=False)
    with store.transaction() as cursor:
        if state_of(cursor, study) != "draft":
            raise InputError("This study has been opened before: a frozen study is only paused, resumed or closed.")
        sql = "UPDATE studies SET state = 'open', title = ?, design = ?, manifest = ?, hash = ? WHERE study = ?"
        design = json.dumps(encode(manifest.design))
        cursor.execute(sql, [manifest.design.title, design, text, manifest.hash, study]).fetchall()
        log(cursor, study, f"opened, frozen as {manifest.hash}")
        write_whole(store.home / "votes" / f"{study}.json", text.encode(), sync=True)
        for sha in manifest.pictures:
            _keep_beside(store.home, sha)
    return study_of(store, study)


def set_state(store: Store, study: str, state: State) -> Study:
    """Pause, resume or close a study. ``InputError`` for any other step."""
    with store.transaction() as cursor:
        now = state_of(cursor, study)
        if state not in STEPS[now] or now == "draft":
            raise InputError(f"A study that is {now} cannot become {state}.")
        cursor.execute("UPDATE studies SET state = ? WHERE study = ?", [state, study]).fetchall()
        log(cursor, study, {"open": "resumed"}.get(state, state))
        vote_log.append(store.home, study, [{"kind": "state", "survey": "", "state": state}])
    return study_of(store, study)


def study_of(store: Store, study: str) -> Study:
    """One study; ``InputError`` if there is none."""
    rows = store.rows(f"SELECT {COLUMNS} FROM studies WHERE study = ?", [study])
    if not rows:
        raise InputError(_unknown(study))
    return _study(rows[0])


def list_studies(store: Store, quick: bool = False) -> list[Study]:
    """Every study, newest first; with ``quick`` also the quick votes' where there are any."""
    sql = f"SELECT {COLUMNS} FROM studies WHERE study <> ? OR ? ORDER BY created DESC, study"
    return [_study(row) for row in store.rows(sql, [QUICK, quick])]


def delete_draft(store: Store, study: str) -> None:
    """Forget a draft. ``InputError`` for a study that has been opened: it may hold people's answers."""
    with store.transaction() as cursor:
        if state_of(cursor, study) != "draft":
            raise InputError("Only a draft can be deleted; close the study instead.")
        cursor.execute("DELETE FROM studies WHERE study = ?", [study]).fetchall()
        cursor.execute("DELETE FROM study_log WHERE study = ?", [study]).fetchall()


def manifest_of(store: Store, study: str) -> Manifest:
    """What an opened study shows; ``InputError`` while it is a draft, or if its content is not what was frozen."""
    rows = store.rows("SELECT manifest, hash FROM studies WHERE study = ?", [study])
    if not rows:
        raise InputError(_unknown(study))
    return parsed(*rows[0])


def picture_of(store: Store, sha: str) -> bytes:
    """A study's picture file (WebP) by its hash; ``InputError`` where it is gone or no longer what was frozen."""
    data = None
    if images.SHA.fullmatch(sha):
        beside = _beside(store.home, sha)
        data = images.read(store.home, sha) or (beside.read_bytes() if beside.exists() else None)
    if data is None or images.digest(data) != sha:
        raise InputError("A picture of this study has been changed or lost: the study's owner has to restore it.")
    return data


def check_pictures(store: Store, shas: Sequence[str]) -> None:
    """``InputError`` unless every picture is there and is what its hash says."""
    for sha in shas:
        picture_of(store, sha)


def keep_pictures(store: Store, wanted: Mapping[str, Sequence[int]]) -> dict[str, dict[int, str]]:
    """The intact pictures of cells, of the seeds named for each, as {cell: {seed: sha}}.

    One that only its thumbnail holds becomes a file.
    """
    sql = """
        SELECT cell, seed, sha, thumbnail FROM images JOIN thumbnails USING (image)
        JOIN (SELECT unnest(?::VARCHAR[]) AS cell, unnest(?::BIGINT[]) AS seed) USING (cell, seed) ORDER BY cell, seed
    """
    rows = [(cell, seed) for cell, seeds in wanted.items() for seed in seeds]
    found: dict[str, dict[int, str]] = {}
    for cell, seed, sha, thumbnail in store.rows(sql, [list(column) for column in zip(*rows)] or [[], []]):
        if images.read(store.home, sha) is None:
            if images.digest(thumbnail) != sha:
                continue
            images.write(store.home, thumbnail)
        found.setdefault(cell, {})[seed] = sha
    return found


def exclusions(store: Store, study: str) -> tuple[Rule, ...]:
    """The rules in force by which answers are left out, in the order they were added."""
    sql = "SELECT rule, value, survey FROM exclusions WHERE study = ? ORDER BY added, rule, survey"
    return tuple(Rule(*row) for row in store.rows(sql, [study]))


def exclude(store: Store, study: str, rule: Rule, reason: str = "") -> None:
    """Put an exclusion rule in force; nothing is deleted, and the log says when and why."""
    with store.transaction() as cursor:
        state_of(cursor, study)
        row = [study, rule.name, rule.value, rule.survey, datetime.now(UTC).replace(tzinfo=None)]
        sql = "INSERT INTO exclusions VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING rule"
        if cursor.execute(sql, row).fetchall():
            log(cursor, study, f"excluded: {rule.describe()}" + (f" ({reason})" if reason else ""))


def include(store: Store, study: str, rule: Rule, reason: str = "") -> None:
    """Take a rule back, so that the answers count again; logged too."""
    with store.transaction() as cursor:
        sql = "DELETE FROM exclusions WHERE study = ? AND rule = ? AND value = ? AND survey = ? RETURNING rule"
        if cursor.execute(sql, [study, rule.name, rule.value, rule.survey]).fetchall():
            log(cursor, study, f"taken back: {rule.describe()}" + (f" ({reason})" if reason else ""))


def study_log(store: Store, study: str) -> list[tuple[datetime, str]]:
    """What happened to a study and when (UTC), oldest first."""
    sql = "SELECT noticed, event FROM study_log WHERE study = ? ORDER BY noticed, event"
    return [(noticed.replace(tzinfo=UTC), event) for noticed, event in store.rows(sql, [study])]


def insert_study(cursor: Cursor, study: Study, manifest: str) -> None:
    """The row of a study that is not there yet."""
    design = "" if study.design is None else json.dumps(encode(study.design))
    created = study.created.astimezone(UTC).replace(tzinfo=None)
    row = [study.id, study.title, study.state, created, design, manifest, study.hash, study.blind, study.parent]
    sql = f"INSERT INTO studies VALUES ({', '.join('?' * len(row))}) ON CONFLICT DO NOTHING"
    cursor.execute(sql, row).fetchall()


def state_of(cursor: Cursor, study: str) -> State:
    """The state of a study within a transaction; ``InputError`` if there is none."""
    rows = cursor.execute("SELECT state FROM studies WHERE study = ?", [study]).fetchall()
    if not rows:
        raise InputError(_unknown(study))
    state: State = rows[0][0]
    return state


def log(cursor: Cursor, study: str, event: str) -> None:
    """Write down that something happened to a study."""
    cursor.execute(
        "INSERT INTO study_log VALUES (?, ?, ?)", [study, datetime.now(UTC).replace(tzinfo=None), event]
    ).fetchall()


def _beside(home: Path, sha: str) -> Path:
    return home / "votes" / "pictures" / f"{sha}.webp"


def _keep_beside(home: Path, sha: str) -> None:
    """A picture beside the votes: the same file under a second name where the disk can do that, else a copy."""
    source, target = images.path_of(home, sha), _beside(home, sha)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:
        write_whole(target, source.read_bytes())


@lru_cache(maxsize=8)
def parsed(text: str, frozen: str) -> Manifest:
    """A manifest from its JSON, which must be what was frozen; the last few are kept."""
    if not text:
        raise InputError("This study is still a draft: open it first.")
    manifest = decode(Manifest, json.loads(text))
    if manifest.hash != frozen:
        raise InputError("This study's content is not what was frozen when it opened: it can no longer be answered.")
    return manifest


def _study(row: tuple[Any, ...]) -> Study:
    study, title, state, created, design, frozen, blind, parent = row
    known = decode(StudyDesign, json.loads(design)) if design else None
    return Study(study, title, state, created.replace(tzinfo=UTC), known, frozen, blind, parent)


def _unknown(study: str) -> str:
    return f"There is no study {str(study)[:60]!r} here: check the link."
