"""People's votes as something to learn from: read from the store, or from the files that its owner leaves for a job."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from t2ialign.codec import decode, encode
from t2ialign.files import json_of, write_whole
from t2ialign.source import Source
from t2ialign.store import Store
from t2ialign.store.studies import exclusions, study_of
from t2ialign.store.vote_pairs import labelled_from_votes, pairs_from_votes
from t2ialign.store.votes import answers_of
from t2ialign.study.exclusion import excluded
from t2ialign.study.records import VotesRecord, real
from t2ialign.training.pair_files import read_examples, read_pairs, write_examples, write_pairs
from t2ialign.types import Example, InputError, PreferencePair, content_key

KIND = "votes"
EVERYTHING = sys.maxsize
MEND = "ask for the training anew"
PAIRS, LIKED, ABOUT = "pairs.parquet", "liked.parquet", "about.json"


def leave_votes(opened: Store, source: Source) -> None:
    """Writes a study's preferences where a job finds them; other sources need nothing left.

    Raises:
        InputError: nobody has preferred anything yet.
    """
    if source.kind == KIND:
        pairs, examples = preferred(opened, source), liked(opened, source)
        if not pairs and not examples:
            raise InputError(f"Nobody has preferred anything in {source.argument} yet: let people vote in it first.")
        write_pairs(left(opened.home, source, PAIRS), pairs)
        write_examples(left(opened.home, source, LIKED), examples)
        write_whole(left(opened.home, source, ABOUT), json.dumps(encode(record(opened, source))).encode())


def left(home: Path, source: Source, what: str) -> Path:
    """The file in which the owner leaves a study's ``PAIRS``, ``LIKED`` pictures or what is to know ``ABOUT`` them."""
    name = content_key(str(source).removeprefix(f"{KIND}:"))
    return home / "training" / "votes" / f"{name}-{what}"


def left_pairs(path: Path, size: int) -> list[PreferencePair]:
    """The pairs that people preferred one way; none are left out."""
    return read_pairs(path, size, EVERYTHING)


def left_examples(path: Path, size: int) -> list[Example]:
    return read_examples(path, size, EVERYTHING)


def left_record(path: Path) -> VotesRecord:
    """``InputError`` where the file holds something else."""
    record = json_of(path.read_bytes(), f"{path} cannot be read", MEND)
    return decode(VotesRecord, record, f"{path} does not say whose votes were left: {MEND}", spare=True)


def record(opened: Store, source: Source) -> VotesRecord:
    """Study and manifest, and how many answers of how many surveys count."""
    study, group = source.argument, source.group
    found, votes = study_of(opened, study), answers_of(opened, study)
    out = excluded(votes, exclusions(opened, study))
    kept = [vote for vote in real(votes) if vote.survey not in out and group in ("", vote.group)]
    return VotesRecord(
        study=study,
        title=found.title,
        manifest=found.hash,
        group=group,
        answers=len(kept),
        surveys=len({vote.survey for vote in kept}),
        surveys_excluded=len(out),
        blind=found.blind,
    )


def preferred(opened: Store, source: Source) -> list[PreferencePair]:
    """The pairs that people preferred one way."""
    return pairs_from_votes(opened, source.argument, _groups(source))


def liked(opened: Store, source: Source) -> list[Example]:
    """The single pictures that people liked, and those that they did not."""
    return labelled_from_votes(opened, source.argument, _groups(source))


def _groups(source: Source) -> tuple[str, ...]:
    return (source.group,) if source.group else ()
