"""What the report makes of numbers of our choosing: which metric is nearest to the truth, and what a family leaves standing."""

from __future__ import annotations

from dataclasses import replace

from t2ialign.tradeoff.audit import MIXED, MetricAudit, Power
from t2ialign.tradeoff.doses import Response
from t2ialign.tradeoff.frontier import DosePoint, PathCost
from t2ialign.types import GenerationConfig, Interval
from t2ialign.use_cases.reports.research_answers import _nearest
from t2ialign.use_cases.reports.research_pressure import _apart, slopes_in_words

SURE, UNSURE = Interval(-0.3, -0.4, -0.2), Interval(-0.3, -0.59, -0.01)
UP = Interval(0.3, 0.2, 0.4)


def audited(metric: str, tau: float, change: Interval, p: float) -> MetricAudit:
    truth = {MIXED: Interval(tau, tau - 0.05, tau + 0.05)}
    return MetricAudit(
        metric, "1", "diversity", "pair", truth=truth, power=(Power((1.0, 8.0), 24, None, change, SURE, p),)
    )


def test_the_nearest_metric_is_looked_for_among_those_that_never_say_the_opposite() -> None:
    entries = [
        audited("factor_diversity", 0.98, SURE, 0.0),
        audited("rmse", 0.51, UP, 0.001),
        audited("lpips", 0.5, UP, 0.9),
    ]
    said = _nearest([*entries, audited("u_rke", 0.36, SURE, 0.001)], entries[0])
    assert "3 scored metrics were judged; the nearest to it that never says its opposite is LPIPS." in said
    assert "(tau 0.50)" in said and said.endswith("after Holm over the whole audit: RMSE (0.51).")


def test_without_one_that_is_left_out_nothing_is_said_of_it() -> None:
    said = _nearest([audited("lpips", 0.5, UP, 0.9), audited("rmse", 0.4, UP, 0.001)], None)
    assert "the nearest to it is LPIPS." in said and "Left out" not in said
    assert "1 scored metric was judged; the nearest to it is RMSE." in _nearest([audited("rmse", 0.4, UP, 0.001)], None)


def response(metric: str, slope: Interval, p: float) -> Response:
    line = GenerationConfig("shapes")
    return Response(metric, "CFG", "doubling of CFG", line, (1.0, 2.0, 4.0), (), (), slope, p, 24, False)


def test_slopes_are_one_family() -> None:
    """Each interval is without zero; Holm by hand: 0.001 x 3, 0.03 x 2, 0.04."""
    found = [response("factor_diversity", UNSURE, 0.03), response("u_rke", SURE, 0.001), response("lpips", UP, 0.04)]
    said = slopes_in_words(found, ("oracle_alignment", "factor_diversity"))
    assert "Factor diversity -0.300 (-0.590 to -0.010), which may be none." in said
    assert (
        "Of 2 other diversity metrics 1 (Effective number of pictures (U-RKE)) fall and none rise beyond chance."
        in said
    )
    assert "after Holm over the 3 slopes" in said
    alone = slopes_in_words(found[:1], ("factor_diversity",))
    assert "may be none" not in alone and "Holm" not in alone


def test_paths_that_differ_are_one_family() -> None:
    dose = DosePoint("a", Interval(0.6, 0.5, 0.7), UNSURE)
    first = PathCost("a", (dose,), 24, UNSURE, None)
    others = [PathCost(name, (dose,), 24, UNSURE, UNSURE, p=0.03, adjusted=0.06) for name in "bc"]
    assert _apart([first, *others]) == "That b, c differ from a was not seen after Holm over the 2 that can be told."
    clear = replace(others[0], p=0.001, adjusted=0.002)
    assert _apart([first, clear, others[1]]) == "b differ from a beyond chance after Holm over the 2 that can be told."
