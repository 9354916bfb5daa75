"""Verdicts made of answers alone, a record that survives JSON, and the table that every page draws."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pytest

from t2ialign import settings
from t2ialign.tradeoff.audit import (
    MIXED,
    Audit,
    MetricAudit,
    Power,
    contradicts,
    corrected,
    from_record,
    listed,
    to_record,
    verdict,
)
from t2ialign.tradeoff.audit_table import table
from t2ialign.types import InputError, Interval


def point(value: float) -> Interval:
    return Interval(value, round(value - 0.05, 4), round(value + 0.05, 4))


GOOD = MetricAudit(
    "lpips",
    "1+x:abc",
    "diversity",
    "pair",
    truth={MIXED: point(0.9), "place": point(0.95), "tilt": point(0.2)},
    nuisance={"flip": point(0.3), "shift 8 px": point(0.1)},
    copies={"counted": point(1.0), "noticed": point(0.6)},
    sizes={4: point(0.98), 64: point(1.0)},
    power=(Power((1.0, 8.0), 24, 4, point(-0.3), point(-0.2), 0.001),),
    lead=Interval(0.3, 0.2, 0.4),
    lead_p=0.03,
)
BAD = MetricAudit(
    "ssim",
    "1",
    "diversity",
    "pair",
    truth={MIXED: point(0.1), "place": point(0.6), "tilt": point(0.7)},
    nuisance={"flip": point(0.9), "shift 8 px": point(0.7)},
    copies={"counted": point(0.8), "noticed": point(0.8)},
    sizes={4: point(0.6), 64: point(1.0)},
    power=(Power((1.0, 8.0), 24, None, point(0.3), point(-0.2), 0.002),),
    lead=Interval(-0.1, -0.2, -0.01),  # excludes zero alone, and does not stand among the others
    lead_p=0.4,
)
CLIP = MetricAudit(
    "clip_score",
    "1",
    "alignment",
    "image",
    negatives={"binding": point(0.6), "color": point(1.0)},
    agreement=point(0.4),
    power=(Power((1.0, 8.0), 24, None, Interval(0.0, -0.1, 0.1), point(0.2), 1.0),),
)
AUDIT = Audit("a world", {"prompts": 3}, (BAD, GOOD, CLIP, MetricAudit("entropy_1d", "1", "diversity", "image")))


def test_verdict_of_a_metric_that_tells_the_truth() -> None:
    said = verdict(GOOD)
    assert said.startswith(
        "Follows the true spread (tau 0.90) and hardly sees tilt, better than U-RKE on CLIP by 0.30."
    )
    for part in (
        "Not fooled",
        "Counts a copy as nothing new",
        "Does not depend on the number",
        "with 4 seeds a prompt",
    ):
        assert part in said


def test_verdict_of_a_metric_that_does_not() -> None:
    said = verdict(BAD)
    assert "Does not follow the true spread (tau 0.10)." in said and "U-RKE" not in said
    assert "flip (90%) and shift 8 px (70%)" in said
    assert "Grows with the number of pictures (4 give 60% of what 64 give)" in said
    assert "opposite of the truth about CFG 1 from 8 (+30%)" in said
    assert "U-RKE" not in said


def test_what_moves_the_truth_too_fools_nobody() -> None:
    truth = replace(GOOD, nuisance={"flip": point(0.85), "shift 8 px": point(0.1)})
    assert "flip" not in verdict(BAD, truth) and "shift 8 px (70%)" in verdict(BAD, truth)


def test_entropy_is_no_set_diversity() -> None:
    assert "no set diversity" in verdict(AUDIT.metrics[3])


def test_verdict_of_an_alignment_metric() -> None:
    said = verdict(CLIP)
    assert "80% of cases" in said and "Weak on binding (60%)." in said and "loosely as the oracle" in said
    assert "Does not tell CFG 1 from 8." in said


def test_a_record_survives_json() -> None:
    unknown = replace(CLIP, agreement=Interval(math.nan, math.nan, math.nan))
    again = from_record(json.loads(json.dumps(to_record(replace(AUDIT, metrics=(BAD, GOOD, unknown))))))
    assert again.metrics[:2] == (BAD, GOOD)
    assert math.isnan(again.metrics[2].agreement.mean) and again.metrics[2].negatives == CLIP.negatives


def test_the_shipped_audit_is_read_and_written_as_it_is() -> None:
    record = json.loads((settings.DATA / "audit.json").read_text(encoding="utf-8"))
    audit = from_record(record)
    assert to_record(audit) == record
    assert {type(size) for found in audit.metrics for size in found.sizes} == {int}


def test_an_older_record_lacks_what_came_later() -> None:
    record = to_record(AUDIT)
    for entry in record["metrics"]:
        del entry["lead"], entry["lead_p"]
    assert from_record(record).metrics[0] == replace(BAD, lead=None, lead_p=None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"metrics": {}}, "'metrics' is a list"),
        ({"metrics": [{"metric": "lpips"}]}, "'metrics[0]' lacks 'version'"),
        (
            {"metrics": [{**to_record(AUDIT)["metrics"][0], "sizes": {"few": [1]}}]},
            "'metrics[0].sizes.few' is named by",
        ),
        ({"metrics": [{**to_record(AUDIT)["metrics"][0], "axis": "beauty"}]}, "'metrics[0].axis' is one of"),
    ],
)
def test_another_layout_is_said(change: dict, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"This is no audit: {said}")):
        from_record({**to_record(AUDIT), **change})


def test_what_scales_tell_is_one_family_over_metrics_and_pairs_of_scales() -> None:
    """Holm by hand: 0.01 x 4, 0.02 x 3, 0.03 x 2 and 0.8 x 1, never falling."""
    right, wrong = (
        Power((1.0, 8.0), 24, 3, point(-0.3), point(-0.2)),
        Power((2.0, 4.0), 24, None, point(0.3), point(-0.2)),
    )
    ps = {"a": (0.01, 0.8), "b": (0.02, 0.03)}
    found = corrected({name: (replace(right, p=one), replace(wrong, p=other)) for name, (one, other) in ps.items()})
    assert [power.p for powers in found.values() for power in powers] == pytest.approx([0.04, 0.8, 0.06, 0.06])
    assert [powers[0].seeds for powers in found.values()] == [3, None], "0.02 alone, but 0.06 among the four"
    assert not contradicts(found["b"][1]) and contradicts(replace(wrong, p=0.04))
    assert "Does not tell CFG 2 from 4." in verdict(replace(GOOD, power=found["b"]))


def test_a_record_without_p_values_has_those_of_its_intervals() -> None:
    record = to_record(AUDIT)
    for entry in record["metrics"]:
        entry["power"] = [{key: value for key, value in power.items() if key != "p"} for power in entry["power"]]
    told = [power for entry in from_record(record).metrics for power in entry.power]
    assert [power.seeds for power in told] == [None, 4, None] and [contradicts(power) for power in told] == [
        True,
        False,
        False,
    ]
    assert told[0].p < 1e-4 and told[2].p == pytest.approx(1)


def test_the_table_ranks_and_groups() -> None:
    found = table(AUDIT, "diversity")
    assert [row.metric for row in found.rows] == ["lpips", "ssim", "entropy_1d"]
    assert found.columns[0] == MIXED and found.columns[-1] == "CFG 1 or 8"
    assert len(found.groups) == len(found.columns) == len(found.rows[0].cells)
    best, worst = (dict(zip(found.columns, row.cells)) for row in found.rows[:2])
    assert best["CFG 1 or 8"].text == "4" and worst["CFG 1 or 8"].text == "wrong"
    assert best["flip"].good == pytest.approx(0.7) and best["flip"].text == "0.30"
    assert math.isnan(found.rows[2].cells[0].good)
    assert [row.metric for row in table(AUDIT, "diversity", ("ssim",)).rows] == ["ssim"]


def test_lists_in_words() -> None:
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
