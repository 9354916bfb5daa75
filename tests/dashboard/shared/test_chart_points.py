import math
from dataclasses import replace

import pytest

from t2ialign.dashboard.shared.chart_points import ChartPoints, choose, in_a_sentence, load_points, metric_choices
from t2ialign.metrics import METRICS
from t2ialign.store import Filters, ScoredPoints, add_batch, add_scores
from t2ialign.types import GenerationConfig, Interval, Prompt, TradeoffPoint
from tests.dashboard import fakes


def chart(points: list[tuple[float, float]], more_is_better: bool = True):
    chosen = choose("", "", ["oracle_alignment", "factor_diversity"], Filters(benchmarks=("a set",)))
    chosen = replace(chosen, y=replace(chosen.y, higher_is_better=more_is_better))
    made = tuple(
        TradeoffPoint(
            GenerationConfig("t", guidance_scale=i), "x", "y", Interval(a, a, a), Interval(b, b, b), 1, 1, "1", "1"
        )
        for i, (a, b) in enumerate(points)
    )
    return ChartPoints(ScoredPoints(made)), chosen


def test_points_of_the_store(stocked):
    found = load_points(stocked, choose("", "", ["oracle_alignment", "factor_diversity"]))
    assert [(p.config.checkpoint, p.config.guidance_scale, p.prompts) for p in found.points] == [
        ("base", 1, 2),
        ("base", 4, 2),
        ("base", 8, 2),
        ("spo", 4, 1),
    ]


@pytest.mark.slow
def test_filters_leave_points_out(stocked):
    chosen = choose("", "", ["oracle_alignment", "factor_diversity"], Filters(categories=("color",)))
    assert [point.prompts for point in load_points(stocked, chosen).points] == [1, 1, 1]


@pytest.mark.slow
def test_another_metric_version_is_left_out_and_said(stocked, config):
    batch = fakes.batch_of(Prompt("a red circle", "single"), config("base", 1), range(4))
    add_scores(stocked.store, batch, [replace(score, version="2") for score in fakes.scores_of(batch)])
    other = fakes.batch_of(Prompt("a ring"), config("base", 1), range(2))
    add_batch(stocked.store, other)
    add_scores(stocked.store, other, [replace(score, version="2") for score in fakes.scores_of(other)])
    chosen = choose("", "", ["oracle_alignment", "factor_diversity"])
    found = load_points(stocked, chosen)
    assert {point.x_version for point in found.points} == {"1"} and found.left_out == 1
    assert "1 cell scored by another version" in in_a_sentence(found, chosen)


def test_unscored_metrics_are_no_choice(stocked):
    assert choose("ssim", "nonsense", ["lpips", "clip_score"]).x.name == "clip_score"
    assert [name for _, name in metric_choices(stocked)] == [
        "clip_score",
        "oracle_alignment",
        "factor_diversity",
        "lpips",
    ]


FALLING, RISING = [(0.1, 0.9), (0.4, 0.5), (0.6, 0.3), (0.8, 0.2)], [(0.1, 0.2), (0.4, 0.5), (0.6, 0.6), (0.8, 0.9)]


@pytest.mark.parametrize(
    ("points", "more_is_better", "words"),
    [
        (FALLING, True, "more alignment goes clearly with less diversity"),
        (FALLING, False, "more alignment goes clearly with more diversity"),
        (RISING, True, "more alignment goes clearly with more diversity"),
        (RISING[:2], True, "too few"),
        ([(0.1, 0.5), (0.4, 0.5), (0.6, 0.5)], True, "the same at every point"),
        ([(0.1, 0.5), (math.nan, 0.5), (0.6, 0.7)], True, "2 points: too few"),
        ([(0.1, 0.5), (0.2, 0.7), (0.3, 0.4), (0.4, 0.6)], True, "hardly move together"),
    ],
)
def test_the_correlation_in_words(points, more_is_better, words):
    assert words in in_a_sentence(*chart(points, more_is_better))


@pytest.mark.slow
def test_what_a_metric_cannot_say_stands_beside_the_chart(stocked, config):
    fakes.add_cell(stocked.store, Prompt("a ring"), config("base", 1), range(2))
    chosen = choose("", "", ["oracle_alignment", "factor_diversity"])
    assert "grows" not in in_a_sentence(load_points(stocked, chosen), chosen)
    growing = replace(chosen, y=replace(chosen.y, equal_n=True))
    said = in_a_sentence(load_points(stocked, growing), growing)
    assert "only cells of 4 seeds are compared; 1 cell with another number are left out" in said
    alone = replace(chosen, y=METRICS["entropy_1d"])
    assert "says nothing about a set" in in_a_sentence(load_points(stocked, alone), alone)


def test_a_metric_of_single_pictures_is_not_called_diversity():
    found, chosen = chart(RISING, True)
    said = in_a_sentence(found, replace(chosen, y=METRICS["entropy_2d"]))
    assert "goes clearly with more Entropy 2D" in said and "more diversity" not in said
