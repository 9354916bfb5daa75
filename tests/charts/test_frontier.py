from t2ialign.charts.frontier import frontier_figure
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.frontier import DosePoint, Ideal, PathCost, RunPoint
from t2ialign.types import Interval

JUDGE, SPREAD = METRICS["style_minimal"], METRICS["factor_diversity"]


def dose(name: str, rate: float, change: float) -> DosePoint:
    return DosePoint(name, Interval(rate, rate - 0.1, rate + 0.05), Interval(change, change, change))


def test_every_path_starts_at_its_parent_and_carries_its_intervals():
    path = PathCost("<b>", (dose("<b>-step50", 0.6, -0.1), dose("<b>", 0.7, -0.2)), 24, Interval(-0.15, 0, 0), None)
    ideals = [
        Ideal(
            "the renderer's", "The <renderer>, tilted: a base is not the renderer.", (dose("1/beta = 0.2", 0.6, -0.05),)
        ),
        Ideal("its own", "Of its own pictures.", (dose("0.1 nats", 0.7, -0.07),)),
    ]
    chart = frontier_figure([path], ideals, JUDGE, SPREAD, 0.65)
    optimum, own, line = chart.data
    assert (optimum.x, optimum.y, optimum.line.dash) == ((0.5, 0.6), (0.0, -0.05), "dash")
    assert (own.x, own.line.dash) == ((0.5, 0.7), "dashdot"), "two ideals are told apart"
    assert optimum.name == "the renderer&#x27;s" and optimum.hovertext[0].startswith("<b>untilted</b>")
    assert all("The &lt;renderer&gt;, tilted: a base is not the renderer." in said for said in optimum.hovertext)
    assert (line.x, line.y, line.name) == ((0.5, 0.6, 0.7), (0.0, -0.1, -0.2), "&lt;b&gt;")
    assert [round(down, 6) for down in line.error_x.arrayminus] == [0, 0.1, 0.1]
    assert "&lt;b&gt;-step50" in line.hovertext[1]


def test_the_runs_of_a_dose_are_hollow_markers_beside_it():
    several = DosePoint("a", *([Interval(0.6, 0.5, 0.7)] * 2), runs=(RunPoint(0, 0.55, -0.1), RunPoint(4, 0.65, -0.2)))
    path = PathCost("a", (several,), 24, Interval(-0.15, -0.2, -0.1), None, training_seeds=2)
    line, runs = frontier_figure([path], [], JUDGE, SPREAD, 0.65).data
    assert (runs.x, runs.y, runs.marker.symbol) == ((0.55, 0.65), (-0.1, -0.2), "square-open")
    assert "mean of 2 training seeds" in line.hovertext[1] and runs.hovertext[1] == "a, training seed 4"


def test_nothing_yet_says_so():
    assert "No trained checkpoint" in frontier_figure([], [], JUDGE, SPREAD, 0.65).layout.annotations[0].text
