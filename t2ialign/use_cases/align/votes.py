"""People's votes as something to learn from: read from the store, or from the files that its owner leaves for a job."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from t2ialign.files import write_whole
from t2ialign.store import Store
from t2ialign.store.studies import exclusions, study_of
from t2ialign.store.vote_pairs import labelled_from_votes, pairs_from_votes
from t2ialign.store.votes import answers_of
from t2ialign.study.exclusion import excluded
from t2ialign.study.records import real
from t2ialign.training.pair_files import read_examples, read_pairs, write_examples, write_pairs
from t2ialign.types import Example, InputError, PreferencePair, content_key

KIND = "votes"
EVERYTHING = sys.maxsize
PAIRS, LIKED, ABOUT = "pairs.parquet", "liked.parquet", "about.json"


def study_in(source: str) -> str:
    """``STUDY`` or ``STUDY:GROUP`` of a source ``votes:...``; empty for other sources."""
    kind, _, study = source.partition(":")
    return study.strip() if kind == KIND else ""


def leave_votes(opened: Store, source: str) -> None:
    """Writes a study's preferences where a job finds them, for sources ``votes:STUDY``.

    Raises:
        InputError: nobody has preferred anything yet.
    """
    study = study_in(source)
    if study:
        pairs, examples = pairs_from_votes(opened, study), labelled_from_votes(opened, study)
        if not pairs and not examples:
            raise InputError(f"Nobody has preferred anything in {study} yet: let people vote in it first.")
        write_pairs(left(opened.home, study, PAIRS), pairs)
        write_examples(left(opened.home, study, LIKED), examples)
        write_whole(left(opened.home, study, ABOUT), json.dumps(record(opened, study)).encode())


def left(home: Path, study: str, what: str) -> Path:
    """The file in which the owner leaves a study's ``PAIRS``, ``LIKED`` pictures or what is to know ``ABOUT`` them."""
    return home / "training" / "votes" / f"{content_key(study)}-{what}"


def left_pairs(path: Path, size: int) -> list[PreferencePair]:
    """The pairs that people preferred one way; none are left out."""
    return read_pairs(path, size, EVERYTHING)


def left_examples(path: Path, size: int) -> list[Example]:
    return read_examples(path, size, EVERYTHING)


def left_record(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def record(opened: Store, source: str) -> dict[str, Any]:
    """Study and manifest, and how many answers of how many surveys count."""
    study, _, group = source.partition(":")
    found, votes = study_of(opened, study), answers_of(opened, study)
    out = excluded(votes, exclusions(opened, study))
    kept = [vote for vote in real(votes) if vote.survey not in out and group in ("", vote.group)]
    return {
        "study": study,
        "title": found.title,
        "manifest": found.hash,
        "group": group,
        "answers": len(kept),
        "surveys": len({vote.survey for vote in kept}),
        "surveys_excluded": len(out),
        "blind": found.blind,
    }
