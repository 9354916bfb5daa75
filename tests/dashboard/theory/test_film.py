import math

import pytest
import torch

from t2ialign.dashboard.theory.film import CROWD, FRAMES, film, film_of, runs_with_steps
from t2ialign.types import TrainStep
from tests.dashboard.trainings import add_training


def record(step: int, win: list, lose: list) -> TrainStep:
    return TrainStep(step, 0.6, log_ratios=(tuple(win), tuple(lose)))


def test_film_begins_where_training_begins():
    found = film("job", [record(1, [0.5], [-0.5]), record(2, [1.0], [-1.0])])
    assert [frame.step for frame in found.frames] == [0, 1, 2]
    assert found.path.tolist()[0] == [0, 0]
    assert found.frames[2].pairs.tolist() == [[0.5, -0.5], [1.0, -1.0]]  # the newest pairs up to the step


def test_a_long_run_is_thinned_and_its_frames_hold_a_crowd():
    found = film("job", [record(step, [0.01 * step] * 8, [-0.01 * step] * 8) for step in range(1, 501)])
    assert len(found.frames) <= FRAMES + 1 and found.frames[-1].step == 500
    assert {len(frame.pairs) for frame in found.frames[2:]} == {CROWD}
    assert found.reach() == pytest.approx(5, abs=0.2)


@pytest.mark.parametrize(
    "records",
    [[], [TrainStep(1, 0.6)], [record(1, [], [])], [record(1, [math.nan], [0.1])]],
    ids=["nothing", "no ratios", "empty", "not finite"],
)
def test_without_pairs_there_is_no_film(records):
    assert film("job", records) is None


def test_runs_are_offered_newest_first(store):
    add_training(store, "align-1", steps=3)
    add_training(store, "align-2", steps=3, status="paused", title="halfway")
    add_training(store, "align-3", steps=0, status="queued")
    assert runs_with_steps(store) == [("halfway (paused)", "align-2"), ("dpo_js", "align-1")]
    assert torch.equal(film_of(store, "align-1").last.path[0], torch.zeros(2).double())
