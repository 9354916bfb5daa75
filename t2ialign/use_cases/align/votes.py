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
from t2ialign.training.selection import Example
from t2ialign.types import InputError, PreferencePair, content_key
from t2ialign.use_cases.workbench import Workbench

KIND = "votes"
EVERYTHING = sys.maxsize


def study_in(source: str) -> str:
    """``STUDY`` or ``STUDY:GROUP`` of a source ``votes:...``; empty for other sources."""
    kind, _, study = source.partition(":")
    return study.strip() if kind == KIND else ""


def vote_pairs(bench: Workbench, source: str, size: int) -> list[PreferencePair]:
    """The pairs that people preferred one way; none are left out."""
    if bench.store is not None:
        return pairs_from_votes(bench.store, study_in(source))
    return read_pairs(_left(bench, source, "pairs.parquet"), size, EVERYTHING)


def vote_examples(bench: Workbench, source: str, size: int) -> list[Example]:
    """The single pictures that people liked, and those that they did not: for methods that need no pairs."""
    if bench.store is not None:
        return _liked(bench.store, study_in(source))
    return read_examples(_left(bench, source, "liked.parquet"), size, EVERYTHING)


def votes_record(bench: Workbench, source: str) -> dict[str, Any]:
    """Which votes these are, for the manifest of what was trained on them; empty for other sources."""
    study = study_in(source)
    if not study:
        return {}
    if bench.store is not None:
        return _record(bench.store, study)
    return json.loads(_left(bench, source, "about.json").read_text(encoding="utf-8"))


def leave_votes(bench: Workbench, source: str) -> None:
    """Writes a study's preferences where a job finds them: for sources ``votes:STUDY``, by the owner of the store.

    Raises:
        InputError: nobody has preferred anything yet.
    """
    study = study_in(source)
    if study and bench.store is not None:
        pairs, liked = pairs_from_votes(bench.store, study), _liked(bench.store, study)
        if not pairs and not liked:
            raise InputError(f"Nobody has preferred anything in {study} yet: let people vote in it first.")
        write_pairs(_file(bench, study, "pairs.parquet"), pairs)
        write_examples(_file(bench, study, "liked.parquet"), liked)
        write_whole(_file(bench, study, "about.json"), json.dumps(_record(bench.store, study)).encode())


def _record(opened: Store, source: str) -> dict[str, Any]:
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


def _liked(opened: Store, study: str) -> list[Example]:
    return [Example(one.prompt, one.image, one.weight, one.desirable) for one in labelled_from_votes(opened, study)]


def _left(bench: Workbench, source: str, what: str) -> Path:
    path = _file(bench, study_in(source), what)
    if not path.is_file():
        raise InputError(
            "The votes are in a store that another process has open: train from its page, or close it first."
        )
    return path


def _file(bench: Workbench, study: str, what: str) -> Path:
    return bench.home / "training" / "votes" / f"{content_key(study)}-{what}"
