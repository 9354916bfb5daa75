"""How long a run still takes, by a clock that the test moves."""

import pytest

from t2ialign.use_cases.align.clock import RECENT, Clock
from t2ialign.use_cases.align.estimate import TrainingEstimate


class Moving:
    """A clock that stands still until it is moved."""

    moment = 0.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def moving() -> Moving:
    return Moving()


@pytest.fixture
def clock(moving: Moving) -> Clock:
    return Clock(TrainingEstimate({"pictures": 100.0, "training": 200.0, "scoring": 100.0}), moving)


def run(clock: Clock, moving: Moving, phase: str, seconds: float, pace: float) -> tuple[float, float]:
    """Works ``seconds`` predicted seconds of a phase, each of which takes ``pace``."""
    length, found = {"pictures": 100.0, "training": 200.0, "scoring": 100.0}[phase], (0.0, 0.0)
    for step in range(int(seconds)):
        moving.moment += pace
        found = clock.at(phase, (step + 1) / length)
    return found


def test_before_anything_is_known_the_prediction_holds(clock):
    assert clock.at("pictures", 0.0) == (0.0, 400.0)


def test_a_slower_machine_is_noticed_and_later_phases_are_slower_too(clock, moving):
    fraction, left = run(clock, moving, "pictures", 50, pace=3.0)
    assert fraction == pytest.approx(50 / 400) and left == pytest.approx(350 * 3)


def test_a_machine_that_others_begin_to_use_is_followed(clock, moving):
    run(clock, moving, "pictures", 100, pace=1.0)
    run(clock, moving, "training", 100, pace=1.0)
    moving.moment += 0
    for step in range(100, 130):
        moving.moment += 4.0
        _, left = clock.at("training", (step + 1) / 200)
    overall = moving.moment / 230
    assert left == pytest.approx(70 * 4.0 + 100 * overall, rel=0.02) and 30 * 4 > RECENT


def test_a_phase_that_is_quicker_than_predicted_says_nothing_of_its_own_rest_by_the_last_phase(clock, moving):
    run(clock, moving, "pictures", 100, pace=5.0)
    _, left = run(clock, moving, "training", 100, pace=0.5)
    assert left == pytest.approx(100 * 0.5 + 100 * (moving.moment / 200), rel=0.02)


def test_what_was_found_says_nothing_about_the_pace(clock, moving):
    moving.moment = 1.0
    fraction, left = clock.at("pictures", 1.0, fresh=False)
    assert fraction == pytest.approx(0.25) and left == pytest.approx(300)
