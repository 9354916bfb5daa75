from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from t2ialign.hub.vote_tables import csv_text, read_votes, vote_rows, write_csv_folder, write_parquet
from t2ialign.store.votes import answers_of
from t2ialign.study.answers import Answer
from t2ialign.study.records import public_survey
from t2ialign.types import InputError
from tests.study.conftest import vote


def told(votes) -> list[tuple]:
    """What a vote says, without the ids that belong to a store."""
    return sorted(
        (
            public_survey(v.survey) if len(v.survey) == 32 else v.survey,
            v.trial.place,
            v.group,
            replace(v.trial, id=""),
            v.answer,
            v.milliseconds,
            v.created,
            v.blind,
        )
        for v in votes
    )


@pytest.mark.slow
def test_one_csv_a_survey_and_back(answered, tmp_path: Path):
    votes = answers_of(answered.store, answered.study)
    files = write_csv_folder(votes, tmp_path / "csv")
    assert len(files) == 3
    assert told(read_votes(tmp_path / "csv")) == told(votes)


@pytest.mark.slow
def test_parquet_and_back(answered, tmp_path: Path):
    votes = answers_of(answered.store, answered.study)
    assert told(read_votes(write_parquet(votes, tmp_path / "v.parquet"))) == told(votes)


@pytest.mark.slow
def test_formulas_are_neutralised_and_come_back(answered, tmp_path: Path):
    votes = answers_of(answered.store, answered.study)
    for file in write_csv_folder(votes, tmp_path / "csv"):
        for row in csv.DictReader(file.open(newline="")):
            assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in row.values())
    assert any(v.trial.prompt == "=1+1" for v in read_votes(tmp_path / "csv"))


@pytest.mark.parametrize("prompt", ["=HYPERLINK()", "'=1", "''@x", "-2", "plain", "'quoted'", 'a,b\n"c"', "\tx"])
def test_any_text_survives_csv(prompt: str, tmp_path: Path):
    (tmp_path / "x.csv").write_text(csv_text(vote_rows([vote("ab", Answer((1,)), prompt=prompt)])), newline="")
    (found,) = read_votes(tmp_path / "x.csv")
    assert found.trial.prompt == prompt


def test_secret_ids_stay_here(answered, tmp_path: Path):
    votes = answers_of(answered.store, answered.study)
    text = "".join(file.read_text() for file in write_csv_folder(votes, tmp_path))
    assert not any(vote.survey in text or vote.trial.id in text for vote in votes)


def test_ranks_and_verdicts_survive(tmp_path: Path):
    votes = [
        vote("abc", Answer((2, 0, 1)), "rank", survey="r"),
        vote("ab", Answer((), "neither"), "pick", survey="p"),
        vote(["a+b", "c"], Answer((0,)), survey="s"),
        vote(["a", "decoy"], Answer(()), survey="d", check="decoy"),
    ]
    found = {v.survey: v for v in read_votes(write_parquet(votes, tmp_path / "v.parquet"))}
    for known in votes:
        back = found[public_survey(known.survey)]
        assert (back.answer, back.trial.check) == (known.answer, known.trial.check)
        assert [e.contenders for e in back.trial.shown] == [e.contenders for e in known.trial.shown]


def test_other_tables_are_refused(tmp_path: Path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"no")
    for name in ("x.csv", "x.parquet", "broken.parquet", "none.csv"):
        with pytest.raises(InputError):
            read_votes(tmp_path / name)
    good = csv_text(vote_rows([vote("ab", Answer((1,)))]))
    (tmp_path / "forged.csv").write_text(good.replace(",pick,", ",shout,").replace(",4000,", ",soon,"))
    with pytest.raises(InputError, match="not a table of votes"):
        read_votes(tmp_path / "forged.csv")


def test_counts_and_confidence_survive_and_other_tables_have_no_column_for_them(tmp_path: Path):
    plain = vote("ab", Answer((0,)), "pick", survey="p")
    asked = vote("ba", Answer((0,)), "pick", survey="q")
    trial = replace(asked.trial, counts=True, confidence=True)
    asked = replace(asked, trial=trial, answer=trial.checked(Answer((0,), "", (1, 1), "fairly sure")))
    for votes in ([plain], [plain, asked], [asked]):
        back = read_votes(write_parquet(votes, tmp_path / "v.parquet"))
        (tmp_path / "v.csv").write_text(csv_text(vote_rows(votes)), newline="")
        columns = pq.read_table(tmp_path / "v.parquet").column_names
        assert ("count" in columns) == ("confidence" in columns) == (asked in votes)
        for found in (back, read_votes(tmp_path / "v.csv")):
            said = {v.survey: (v.answer, v.trial.counts, v.trial.confidence) for v in found}
            assert said == {public_survey(v.survey): (v.answer, v.trial.counts, v.trial.confidence) for v in votes}
    forged = csv_text(vote_rows([asked])).replace(",1,fairly sure", ",7,fairly sure")
    (tmp_path / "forged.csv").write_text(forged, newline="")
    with pytest.raises(InputError, match="Set 1 has 1 pictures"):
        read_votes(tmp_path / "forged.csv")
