"""What the Trade-off page says about its metrics, and the offer to bring scores to one version."""

from __future__ import annotations

from dataclasses import replace

import pytest

from t2ialign.dashboard.tradeoff import metric_trust
from t2ialign.dashboard.tradeoff.audit_view import audited
from t2ialign.metrics import METRICS
from t2ialign.store import add_batch, add_scores
from t2ialign.types import Prompt
from t2ialign.use_cases.audit.audit import shipped_audit
from tests.dashboard import fakes

ALL = ("all", "oracle_alignment", "factor_diversity", [], [])


@pytest.mark.slow
def test_verdicts_follow_the_axes(stocked) -> None:
    updates = metric_trust.show_audit(stocked, "light", "all", "clip_score", "lpips", [], [])
    assert "Horizontal: CLIPScore" in updates["audit"] and "Vertical: LPIPS" in updates["audit"]
    assert "follows" in updates["audit"].lower()
    assert "LPIPS" in updates["heat"].data[0].y


def test_another_version_is_said_and_a_missing_audit_too() -> None:
    audit = shipped_audit()
    lpips = METRICS["lpips"]
    assert "another version" in audited(audit, {"Vertical": (lpips, "0")})
    assert "another version" not in audited(audit, {"Vertical": (lpips, audit.of("lpips").version)})
    assert "Not audited" in audited(audit, {"Vertical": (METRICS["dinov2_diversity"], "")})
    assert "python -m t2ialign audit" in audited(None, {})


@pytest.mark.slow
def test_nothing_is_offered_where_all_scores_are_of_one_version(stocked) -> None:
    assert metric_trust.offer(stocked, *ALL)["rescore"].visible is False


@pytest.mark.slow
def test_left_out_cells_are_scored_anew(stocked, config) -> None:
    other = fakes.batch_of(Prompt("a ring"), config("base", 1), range(2))
    add_batch(stocked.store, other)
    add_scores(stocked.store, other, [replace(score, version="2") for score in fakes.scores_of(other)])
    offered = metric_trust.offer(stocked, *ALL)
    assert offered["rescore"].visible is True and offered["rescore"].value == "Score 1 cell anew"
    begun = metric_trust.begin(stocked, *ALL)
    assert begun["clock"].active is True and "1 cell" in begun["rescored"]
    stocked.engine.wait(metric_trust.KEY, 60)
    ended = metric_trust.tick(stocked, "light", *ALL, True, "")
    assert ended["clock"].active is False and ended["rescored"]
    assert "chart" in ended and "not compared" in ended["sentence"]
