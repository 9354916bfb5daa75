from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from t2ialign.tradeoff.arrows import Arrow, arrows, in_a_sentence
from t2ialign.tradeoff.comparison import PairedScore
from t2ialign.types import AdapterUse, GenerationConfig
from tests.tradeoff.cells import metric

BASE = GenerationConfig("shapes")
X, Y = metric("x", title="Faith"), metric("y", title="Spread", axis="diversity", bounds=(0.0, 10.0))
METRICS = {"x": X, "y": Y, "style": metric("style", title="Style")}


def config(name: str, scale: float = 4.0) -> GenerationConfig:
    return replace(BASE, adapters=(AdapterUse(name),), guidance_scale=scale)


def scored(policy: GenerationConfig, name: str, ours: list[float], theirs: list[float]) -> list[PairedScore]:
    base = replace(BASE, guidance_scale=policy.guidance_scale)
    return [PairedScore(policy, base, f"p{i}", 8, name, "1", *both) for i, both in enumerate(zip(ours, theirs))]


def drawn(name: str = "mine", seed: int = 0, moved: float = -0.2) -> list[PairedScore]:
    draw = np.random.default_rng(seed)
    x, y = draw.uniform(0.2, 0.8, 24), draw.uniform(1.5, 2.5, 24)
    policy = config(name)
    return [
        *scored(policy, "x", (x + draw.normal(0, 0.05, 24)).tolist(), x.tolist()),
        *scored(policy, "y", (y + moved + draw.normal(0, 0.05, 24)).tolist(), y.tolist()),
    ]


def test_an_arrow_holds_the_paired_change_on_both_axes():
    rows = drawn()
    (found,) = arrows(rows, X, Y, {}, METRICS)
    changes = np.array([row.policy_value - row.base_value for row in rows if row.metric == "y"])
    assert (found.policy, found.parent, found.judged) == (config("mine"), BASE, None)
    assert found.y.difference.mean == pytest.approx(changes.mean())
    assert found.y.p == pytest.approx(stats.ttest_1samp(changes, 0).pvalue)
    assert found.relative.mean == pytest.approx(
        changes.mean() / np.mean([r.base_value for r in rows if r.metric == "y"])
    )


@pytest.mark.slow
def test_all_changes_of_a_chart_are_one_family_of_tests():
    found = arrows([*drawn("a", 0, -0.02), *drawn("b", 1, 0.01), *drawn("c", 2, 0.0)], X, Y, {}, METRICS)
    tests = [one for arrow in found for one in (arrow.x, arrow.y)]
    expected = multipletests([one.p for one in tests], method="holm")[1]
    assert [one.adjusted for one in tests] == pytest.approx(list(expected)) and {one.family for one in tests} == {6}


def test_another_guidance_and_a_missing_axis_are_no_arrow():
    rows = [row for row in drawn() if row.metric == "x"]
    far = [replace(row, base=replace(BASE, guidance_scale=8.0)) for row in drawn("far")]
    assert arrows([*rows, *far], X, Y, {}, METRICS) == []


def test_the_win_rate_is_by_what_the_checkpoint_was_trained_for():
    judged = [
        replace(row, policy_effects={0: 0.1, 1: -0.1}, base_effects={0: 0.1, 1: -0.1})
        for row in scored(config("mine"), "style", [1.0, 2.0, 0.0], [0.0, 1.0, 1.0])
    ]
    (found,) = arrows([*drawn(), *judged], X, Y, {"mine": "style"}, METRICS)
    assert found.win_rate.mean == pytest.approx(2 / 3)
    assert arrows([*drawn(), *judged], X, Y, {}, METRICS)[0].win_rate is None


def test_a_sentence_claims_what_the_interval_does():
    (found,) = arrows(drawn(), X, Y, {}, METRICS)
    said = in_a_sentence(found, X, Y)
    assert (
        said.startswith("mine at CFG 4 beside base, on 24 prompts: Faith not clearly changed (")
        and "% less varied (" in said
    )
    (more,) = arrows(drawn(moved=0.3), X, Y, {}, METRICS)
    assert "% more varied (" in in_a_sentence(more, X, Y)
    rmse = replace(Y, name="y", higher_is_better=False)
    assert "% more varied (" in in_a_sentence(found, X, rmse)
    (same,) = arrows(drawn(moved=0.0), X, Y, {}, METRICS)
    assert "Spread not clearly changed" in in_a_sentence(same, X, Y)


def test_what_was_trained_for_is_said_once():
    judged = [replace(row, metric="style") for row in drawn() if row.metric == "x"]
    judged = [replace(row, policy_effects={0: 1.0}, base_effects={0: 0.0}) for row in judged]
    rows = [*judged, *(row for row in drawn() if row.metric == "y")]
    (found,) = arrows(rows, METRICS["style"], Y, {"mine": "style"}, METRICS)
    said = in_a_sentence(found, METRICS["style"], Y)
    assert "preferred in 100 % (86 to 100), " in said and "Style" not in said


def test_effective_numbers_are_set_beside_each_other():
    number = metric("y", title="Modes", axis="diversity", finish=lambda value: 1 / value)
    (found,) = arrows(drawn(), X, number, {}, METRICS | {"y": number})
    ours, theirs = (
        1 / np.mean([1 / getattr(row, side) for row in drawn() if row.metric == "y"])
        for side in ("policy_value", "base_value")
    )
    assert found.relative is None and f"Modes {ours:.2f} instead of {theirs:.2f}" in in_a_sentence(found, X, number)


def test_an_arrow_of_a_dead_parent_has_no_share():
    zero = scored(config("mine"), "y", [1.0, 2.0, 3.0], [0.0, 0.0, 0.0])
    (found,) = arrows([*scored(config("mine"), "x", [1.0] * 3, [0.5] * 3), *zero], X, Y, {}, METRICS)
    assert isinstance(found, Arrow) and found.relative is None
