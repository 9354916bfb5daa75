"""Votes as tables: one row for each thing that a round showed, enough to rebuild the vote exactly.

In CSV, texts that a spreadsheet would run as a formula have an apostrophe before them, which reading takes away again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from t2ialign.files import foreign, write_whole
from t2ialign.store.export import tamed, untamed
from t2ialign.study.answers import Answer
from t2ialign.study.manifest import Exhibit
from t2ialign.study.records import Vote, public_survey
from t2ialign.study.trials import Trial
from t2ialign.types import InputError, content_key

Row = dict[str, Any]
ASKED_TOO = {"count": pa.int64(), "confidence": pa.string()}
"""Columns of votes that were asked how many kinds each set shows and how sure they are; 0 and "" = not asked."""
SCHEMA = pa.schema(
    {
        "study": pa.string(),
        "survey": pa.string(),
        "group": pa.string(),
        "round": pa.int64(),
        "category": pa.string(),
        "prompt": pa.string(),
        "check": pa.string(),
        "kind": pa.string(),
        "most": pa.int64(),
        "position": pa.int64(),
        "contender": pa.string(),
        "seeds": pa.string(),
        "pictures": pa.string(),
        "cell": pa.string(),
        "chosen": pa.int64(),
        "verdict": pa.string(),
        "milliseconds": pa.int64(),
        "answered": pa.string(),
        "revision": pa.int64(),
        "blind": pa.bool_(),
    }
)


def vote_rows(votes: Iterable[Vote]) -> Iterator[Row]:
    """``chosen`` is 1 for what was selected or picked, the rank (from 1) in a ranking, and 0 for the rest.

    Where anybody was asked, each row also has its set's ``count`` and the round's ``confidence``.
    """
    votes = list(votes)
    asked_too = any(vote.answer.counts or vote.answer.confidence for vote in votes)
    for vote in votes:
        trial = vote.trial
        for position, exhibit in enumerate(trial.shown):
            rank = vote.answer.chosen.index(position) + 1 if position in vote.answer.chosen else 0
            yield {
                "study": vote.study,
                "survey": public_survey(vote.survey),
                "group": vote.group,
                "round": trial.place,
                "category": trial.category,
                "prompt": trial.prompt,
                "check": trial.check,
                "kind": trial.kind,
                "most": trial.most,
                "position": position,
                "contender": exhibit.label,
                "seeds": " ".join(map(str, exhibit.seeds)),
                "pictures": " ".join(exhibit.pictures),
                "cell": exhibit.cell,
                "chosen": rank if trial.kind == "rank" else min(rank, 1),
                "verdict": vote.answer.verdict,
                "milliseconds": vote.milliseconds,
                "answered": vote.created.astimezone(UTC).isoformat(),
                "revision": vote.revision,
                "blind": vote.blind,
            } | (_asked_too(vote, position) if asked_too else {})


def _asked_too(vote: Vote, position: int) -> Row:
    count = vote.answer.counts[position] if vote.answer.counts else 0
    return {"count": count, "confidence": vote.answer.confidence}


def votes_from(rows: Iterable[Mapping[str, Any]]) -> list[Vote]:
    """Inverse of ``vote_rows``, surveys under their public names. ``InputError`` for another layout."""
    with foreign("This is not a table of votes as t2ialign exports them", "export it again"):
        ordered = sorted(rows, key=lambda row: (row["survey"], int(row["round"]), int(row["position"])))
        rounds = groupby(ordered, key=lambda row: (row["survey"], int(row["round"])))
        return [_vote(list(shown)) for _, shown in rounds]


def write_csv_folder(votes: Sequence[Vote], folder: Path) -> list[Path]:
    """One CSV a survey, named by when it began to answer (UTC) and by its public name."""
    paths = []
    for survey in dict.fromkeys(vote.survey for vote in votes):
        own = [vote for vote in votes if vote.survey == survey]
        begun = min(vote.created for vote in own).astimezone(UTC)
        paths.append(folder / f"{begun:%Y-%m-%dT%H-%M-%SZ}-{public_survey(survey)[:8]}.csv")
        write_whole(paths[-1], csv_text(vote_rows(own)).encode())
    return paths


def write_parquet(votes: Sequence[Vote], path: Path) -> Path:
    """All votes in one Parquet file."""
    buffer, rows = pa.BufferOutputStream(), list(vote_rows(votes))
    pq.write_table(pa.Table.from_pylist(rows, _schema(rows[0] if rows else {})), buffer, compression="zstd")
    write_whole(path, buffer.getvalue().to_pybytes())
    return path


def read_votes(path: Path) -> list[Vote]:
    """Votes from a Parquet file, a CSV, or a folder of CSVs."""
    if path.is_dir():
        return votes_from(row for file in sorted(path.glob("*.csv")) for row in _csv_rows(file))
    if not path.exists():
        raise InputError(f"There is no file {path}.")
    return votes_from(_parquet_rows(path) if path.suffix == ".parquet" else _csv_rows(path))


def csv_text(rows: Iterable[Row]) -> str:
    """Rows as CSV with neutralised formulas."""
    buffer, listed = io.StringIO(), list(rows)
    writer = csv.DictWriter(buffer, _schema(listed[0] if listed else {}).names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: tamed(value) for name, value in row.items()} for row in listed)
    return buffer.getvalue()


def _parquet_rows(path: Path) -> Iterator[Row]:
    """Rows in the export's own types; numbers are not read as texts, nor gaps as anything."""
    with foreign(f"{path.name} cannot be read as Parquet of votes", "copy it again"):
        table = pq.read_table(path)
        schema = _schema(table.column_names)
        table = table.select(schema.names)
        texts = [name for name in schema.names if pa.types.is_string(schema.field(name).type)]
        odd = [name for name in texts if not _is_text(table.schema.field(name).type)]
        gaps = [name for name in schema.names if table[name].null_count]
        if odd or gaps:
            raise ValueError(f"{', '.join(odd or gaps)} {'is no text' if odd else 'has gaps'}")
        rows = table.cast(schema).to_pylist()
    yield from rows


def _schema(names: Container[str]) -> pa.Schema:
    """The columns of a table of votes that has these, or none."""
    return pa.schema({**dict(zip(SCHEMA.names, SCHEMA.types)), **(ASKED_TOO if "count" in names else {})})


def _is_text(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(plain) or pa.types.is_large_string(plain))


def _csv_rows(path: Path) -> Iterator[Row]:
    with foreign(f"{path.name} cannot be read as a CSV of votes", "copy it again"):
        text = path.read_bytes().decode("utf-8")
        rows = []
        for row in csv.DictReader(io.StringIO(text, newline=""), strict=True):
            if None in row or None in row.values():
                raise ValueError("a row is longer or shorter than the header")
            found = {name: untamed(value) for name, value in row.items()}
            rows.append(found | {"blind": found["blind"] == "True"})
    yield from rows


def _vote(shown: Sequence[Mapping[str, Any]]) -> Vote:
    first = shown[0]
    exhibits = tuple(_exhibit(row) for row in shown)
    ranks = sorted((int(row["chosen"]), int(row["position"])) for row in shown if int(row["chosen"]))
    place, kind = int(first["round"]), first["kind"]
    trial_id = content_key([first["survey"], place, [exhibit.pictures for exhibit in exhibits]])
    counts = tuple(int(row.get("count", 0)) for row in shown)
    confidence = first.get("confidence", "")
    trial = Trial(
        trial_id,
        place,
        first["prompt"],
        first["category"],
        exhibits,
        kind,
        int(first["most"]),
        first["check"],
        any(counts),
        bool(confidence),
    )
    chosen = tuple(position for _, position in ranks)
    answer = trial.checked(Answer(chosen, first["verdict"], counts if any(counts) else (), confidence))
    revision = int(first["revision"])
    return Vote(
        content_key([first["survey"], trial_id, revision]),
        first["study"],
        first["survey"],
        first["group"],
        trial,
        answer,
        int(first["milliseconds"]),
        datetime.fromisoformat(first["answered"]),
        revision,
        bool(first["blind"]),
    )


def _exhibit(row: Mapping[str, Any]) -> Exhibit:
    names = () if row["contender"] == "decoy" else tuple(row["contender"].split("+"))
    seeds = tuple(int(seed) for seed in row["seeds"].split())
    return Exhibit(names, row["prompt"], seeds, tuple(row["pictures"].split()), row["cell"])
