from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from t2ialign.hub.pick_a_pic import pair_rows, write_comparisons
from t2ialign.store import images
from t2ialign.store.votes import answers_of, begin_survey, record_answer
from t2ialign.study.answers import Answer
from t2ialign.study.records import public_survey
from t2ialign.training.pair_files import read_pairs
from t2ialign.types import InputError
from tests.store.studying import PICK, opened_study

# The columns of yuvalkirstain/pickapic_v2 on the Hub.
PUBLISHED = {
    "jpg_0", "jpg_1", "label_0", "label_1", "are_different", "best_image_uid", "caption", "created_at", "has_label",
    "image_0_uid", "image_0_url", "image_1_uid", "image_1_url", "model_0", "model_1", "ranking_id", "user_id",
    "num_example_per_prompt",
}  # fmt: skip
OURS = {"weight", "source", "key_0", "key_1", "votes"}


@pytest.mark.slow
def test_the_layout_is_the_published_one(answered, tmp_path: Path):
    path = write_comparisons(answered.store, answers_of(answered.store, answered.study), tmp_path / "pairs.parquet")
    assert set(pq.read_schema(path).names) == PUBLISHED | OURS


def test_rows_hold_the_pictures_and_who_won(answered):
    for row in pair_rows(answered.store, answers_of(answered.store, answered.study)):
        assert images.digest(row["jpg_0"]) == row["image_0_uid"] != row["image_1_uid"]
        assert row["label_0"] + row["label_1"] == 1
        assert row["best_image_uid"] == row["image_0_uid" if row["label_0"] else "image_1_uid"]
        assert {row["model_0"], row["model_1"]} <= set("abc")


def test_our_own_training_reads_it(answered, tmp_path: Path):
    path = write_comparisons(answered.store, answers_of(answered.store, answered.study), tmp_path / "pairs.parquet")
    rows = pq.read_table(path).to_pylist()
    pairs = read_pairs(path, 8, 100)
    assert len(pairs) == len(rows) > 5
    for pair, row in zip(pairs, rows):
        win = row["jpg_0"] if row["label_0"] == 1 else row["jpg_1"]
        assert images.digest(images.encode(pair.win)) == images.digest(win)


def test_a_comparison_keeps_who_said_it_on_which_trial(answered, tmp_path: Path):
    votes = answers_of(answered.store, answered.study)
    path = write_comparisons(answered.store, votes, tmp_path / "pairs.parquet")
    said = {(public_survey(vote.survey), vote.trial.id) for vote in votes}
    for pair in read_pairs(path, 8, 100):
        (vote,) = pair.votes
        assert (vote.survey, vote.trial) in said and vote.agrees == 1.0
        assert pair.source == f"votes:{answered.study}"
    told = repr(pq.read_table(path).drop_columns(["jpg_0", "jpg_1"]).to_pylist())
    assert not any(vote.survey in told for vote in votes), "a rater's key went out"


@pytest.mark.slow
def test_ties_are_halves(answered):
    study = opened_study(answered.store, answer=PICK, checks=0).id
    survey = begin_survey(answered.store, study, "x").survey
    record_answer(answered.store, study, survey.id, survey.trials[0].id, Answer((), "tie"), 5)
    (row,) = pair_rows(answered.store, answers_of(answered.store, study))
    assert (row["label_0"], row["label_1"], row["best_image_uid"]) == (0.5, 0.5, "tie")


def test_nothing_to_compare_is_said(answered, tmp_path: Path):
    with pytest.raises(InputError, match="no comparisons"):
        write_comparisons(answered.store, [], tmp_path / "pairs.parquet")
