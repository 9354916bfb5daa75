import math

import pytest

from t2ialign.dashboard.shared.words import (
    PHRASES,
    counted,
    default_metric,
    duration,
    first_metric,
    in_plain_words,
    interval_text,
    short,
)
from t2ialign.metrics import METRICS
from t2ialign.names import guided
from t2ialign.types import GenerationConfig, Interval

ORACLE, VARIETY = METRICS["oracle_alignment"], METRICS["factor_diversity"]


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (1.0, "practically everything the prompt says is there"),
        (0.0, "practically nothing the prompt says is there"),
        (0.5, "about 1 of 2 claims of the prompt hold"),
        (0.79, "about 4 of 5 claims of the prompt hold"),
        (0.68, "about 2 of 3 claims of the prompt hold"),
        (0.95, "about 19 of 20 claims of the prompt hold"),
        (0.98, "about 19 of 20 claims of the prompt hold"),
        (0.02, "about 1 of 20 claims of the prompt hold"),
    ],
)
def test_claims_in_words(share: float, words: str):
    assert in_plain_words(ORACLE, share) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1.2, "as varied as unrelated scenes"),
        (0.62, "62% as varied as unrelated scenes"),
        (0.0, "practically the same picture every time"),
    ],
)
def test_variety_in_words(value: float, words: str):
    assert in_plain_words(VARIETY, value) == words


def test_unknown_values_and_metrics_without_a_phrase_say_nothing():
    assert in_plain_words(ORACLE, math.nan) == in_plain_words(METRICS["lpips"], 0.3) == ""


def test_phrases_belong_to_metrics():
    assert set(PHRASES) <= set(METRICS)


def test_first_metric_is_the_best_known_that_is_scored():
    assert first_metric("alignment", {"clip_score", "oracle_alignment"}) is ORACLE
    assert first_metric("diversity", {"ssim", "lpips"}) is METRICS["lpips"]
    assert first_metric("diversity", {"entropy_1d"}) is METRICS["entropy_1d"]
    assert first_metric("diversity", {"clip_score", "someone_elses"}) is None
    assert default_metric("diversity", ()) is VARIETY


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.787, "0.79"), (1.0, "1.00"), (0.0, "0.00"), (0.0312, "0.0312"), (1234.5, "1234"), (math.nan, "not scored")],
)
def test_short_numbers_line_up(value: float, text: str):
    assert short(value) == text


def test_intervals():
    assert interval_text(Interval(0.5, 0.41, 0.586)) == "0.41 to 0.59"
    assert interval_text(Interval(0.5, math.nan, math.nan)) == ""


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (42.4, "42 s"), (125, "2 min"), (5400, "1 h 30 min")])
def test_durations(seconds: float, text: str):
    assert duration(seconds) == text


def test_counts():
    assert [counted(1, "seed"), counted(1500, "seed"), counted(2, "batch", "batches")] == [
        "1 seed",
        "1,500 seeds",
        "2 batches",
    ]


def test_a_strategy_is_named_where_it_is_not_plain() -> None:
    assert guided(GenerationConfig("shapes")) == ""
    config = GenerationConfig("shapes", guidance="cads", guidance_params=(("noise_scale", 0.1),))
    assert guided(config) == " with cads:noise_scale=0.1"
