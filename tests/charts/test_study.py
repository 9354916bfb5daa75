import math

from t2ialign.charts.study import ALL, metrics_figure, rates_figure, strengths_figure
from t2ialign.study.people import MetricAgreement
from t2ialign.study.selection import Rate
from t2ialign.study.strengths import Duel, strengths
from t2ialign.types import Interval

HALF = Interval(0.5, 0.4, 0.6)


def rate(name: str, category: str = "", share: Interval = HALF, group: str = "") -> Rate:
    return Rate(name, category, group, share, 10)


def test_rates_have_a_row_a_category_and_a_trace_a_contender():
    rates = [rate(name, category) for name in ("base", "<b>spo</b>") for category in ("", "color", "shape")]
    chart = rates_figure(rates)
    assert [trace.name for trace in chart.data] == ["base", "&lt;b&gt;spo&lt;/b&gt;"]
    assert list(chart.layout.yaxis.ticktext) == [ALL, "color", "shape"]
    assert list(chart.data[0].x) == [0.5, 0.5, 0.5] and "50% (40% to 60%) of 10 times" in chart.data[0].hovertext[0]
    assert len({*chart.data[0].y, *chart.data[1].y}) == 6, "no two marks lie on each other"


def test_rates_of_a_group_leave_the_others_out():
    rates = [rate("base"), rate("base", group="students", share=Interval(0.1, 0.0, 0.2))]
    assert list(rates_figure(rates, "students").data[0].x) == [0.1]


def test_an_unknown_interval_has_no_bar():
    chart = rates_figure([rate("base", share=Interval(0.5, math.nan, math.nan))])
    assert chart.data[0].error_x.array == (0.0,)


def test_strengths_are_in_order_about_zero():
    found = strengths([Duel("a", "b", "left", str(n % 3)) for n in range(6)] + [Duel("a", "b", "right", "9")])
    chart = strengths_figure(found, dark=True)
    assert list(chart.layout.yaxis.ticktext) == ["a", "b"] and chart.data[0].x[0] > 0 > chart.data[1].x[0]
    assert "6 won, 1 lost" in chart.data[0].hovertext[0] and "Bradley-Terry" in chart.layout.xaxis.title.text


def test_metrics_are_named_as_people_know_them():
    chart = metrics_figure([MetricAgreement("clip_score", Interval(0.3, 0.1, 0.5), 7)])
    assert chart.data[0].x[0] == 0.3 and "7 prompts" in chart.data[0].hovertext[0]
    assert chart.layout.yaxis.ticktext[0] != "clip_score"


def test_nothing_yet_is_a_sentence():
    for chart in (rates_figure([]), strengths_figure(None), metrics_figure([])):
        assert not chart.data and chart.layout.annotations[0].text
