"""The audit on a small scale: what must come out of questions whose answers are known."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from t2ialign import settings
from t2ialign.metrics import METRICS
from t2ialign.metrics.subsets import MeasuredPictures
from t2ialign.shapes import oracle
from t2ialign.shapes.grammar import claims_of, parse
from t2ialign.tradeoff.audit import MIXED, Audit, from_record, verdict
from t2ialign.tradeoff.audit_table import table
from t2ialign.types import Encoder, InputError, Metric, Prompt
from t2ialign.use_cases.audit.audit import UNASKED, AuditPlan, audit_pictures, audit_world, shipped_audit
from t2ialign.use_cases.audit.files import AXES, BEGIN, END, json_text, lines, update_tables
from t2ialign.use_cases.audit.rendered_sets import audit_prompts, hard_negatives, pool, spread_sets
from t2ialign.use_cases.audit.run_questions import COMPARED, MeasuredCell, agreement, powers, reference_cells
from t2ialign.use_cases.workbench import bare_workbench

SCORERS = ("oracle-shapes", "clip-shapes", "lpips-shapes")
NAMES = ("u_rke", "factor_diversity", "lpips", "vendi", "rmse", "entropy_1d", "clip_score", "oracle_alignment")
SMALL = AuditPlan(prompts=3, pools=2, set_size=5, levels=4, mixed=5, pool=16, negatives=3, draws=3)


@pytest.fixture(scope="module")
def scoring() -> tuple[list[Metric], list[Encoder]]:
    return bare_workbench().scorers_for(SCORERS, NAMES)


@pytest.fixture(scope="module")
def audit(scoring: tuple[list[Metric], list[Encoder]]) -> Iterator[Audit]:
    *states, last = audit_world(*scoring, SMALL, reference=None)
    assert [state.fraction for state in states] == sorted(state.fraction for state in states)
    assert all(state.audit is None for state in states)
    yield last.audit


@pytest.mark.slow
def test_spread_is_what_was_asked_for() -> None:
    prompt = audit_prompts(2)[1]
    sets = list(spread_sets(prompt, n=5, levels=3, mixed=2, seed=0))
    assert sum(drawn.factor == MIXED for drawn in sets) == 2
    background = [drawn for drawn in sets if drawn.factor == "background"]
    assert background[0].truth == pytest.approx(0, abs=1e-6) and background[2].truth > 0.05
    assert (background[0].images == background[0].images[:1]).all()
    assert all(len(drawn.images) == 5 for drawn in sets)


@pytest.mark.slow
def test_claims_hold_at_every_spread_and_break_in_hard_negatives(scoring) -> None:
    """The oracle reads every claim in the sets, and misses at least one in nearly every hard negative."""
    reader = next(encoder for encoder in scoring[1] if encoder.id == "oracle-shapes")
    prompt = audit_prompts(2)[1]
    sets = torch.cat([drawn.images for drawn in spread_sets(prompt, n=4, levels=2, mixed=2, seed=1)])
    assert reader.encode(sets, prompt)["claims"].mean() > 0.97
    wrong = hard_negatives(Prompt("a big red striped circle to the left of a small blue dotted square"), 6, 0)
    assert set(wrong) == {"right", "shape", "color", "texture", "size", "missing object", "binding", "relation"}
    for kind, images in wrong.items():
        held = reader.encode(images, Prompt("a big red striped circle to the left of a small blue dotted square"))
        whole = held["claims"].mean(1) == 1
        assert whole.float().mean() >= 0.8 if kind == "right" else whole.float().mean() <= 0.2, kind


@pytest.mark.slow
def test_the_oracle_follows_the_truth_and_entropy_does_not(audit: Audit) -> None:
    assert audit.of("factor_diversity").truth[MIXED].mean > 0.8
    assert audit.of("factor_diversity").truth["place"].mean > 0.8
    assert abs(audit.of("entropy_1d").truth[MIXED].mean) < 0.6
    assert audit.of("factor_diversity").lead.mean > 0
    assert 0 <= audit.of("factor_diversity").lead_p <= 1 and audit.of("u_rke").lead_p is None
    assert audit.of("u_rke").lead is None
    assert audit.of("entropy_1d").nuisance == {} == audit.of("entropy_1d").copies


def test_nuisances_copies_and_numbers(audit: Audit) -> None:
    rmse, vendi, u_rke = (audit.of(name) for name in ("rmse", "vendi", "u_rke"))
    assert rmse.nuisance["shift 8 px"].mean > rmse.nuisance["shift 2 px"].mean > 0.05
    assert audit.of("lpips").nuisance["shift 2 px"].mean < rmse.nuisance["shift 2 px"].mean
    assert vendi.copies["counted"].mean == pytest.approx(1, abs=1e-3), "Vendi counts copies exactly"
    # over i != j, 16 pictures of which 4 are the same leave 12 of 15 pairs
    assert rmse.copies["counted"].mean == pytest.approx(12 / 15, abs=1e-4)
    assert set(u_rke.sizes) == {4, 8, 16}
    assert u_rke.sizes[4].mean == pytest.approx(1, abs=0.06)
    assert vendi.sizes[4].mean < u_rke.sizes[4].mean


def test_alignment_metrics_meet_hard_negatives(audit: Audit) -> None:
    assert all(share.mean > 0.85 for share in audit.of("oracle_alignment").negatives.values())
    assert audit.of("clip_score").negatives["color"].mean > 0.75
    assert audit.of("lpips").negatives == {}
    assert audit.of("clip_score").agreement is None, "there were no shipped runs to look at"


@pytest.mark.slow
def test_the_shipped_runs_answer_about_guidance(scoring, tmp_path) -> None:
    """(e) and half of (f) on three prompts of the shipped runs, as a reader of the reference folder finds them."""
    metrics = [metric for metric in scoring[0] if metric.name in ("oracle_alignment", "clip_score", "factor_diversity")]
    cells = reference_cells(settings.DATA / "reference", metrics, scoring[1], prompts=3)
    assert {cell.guidance_scale for cell in cells} == {scale for pair in COMPARED for scale in pair}
    found = powers(metrics, cells, draws=2, seed=0)["oracle_alignment"]
    assert [power.scales for power in found] == list(COMPARED) and found[0].prompts == 3
    assert found[0].truth == found[0].change
    taus = agreement([metric for metric in metrics if metric.axis == "alignment"], cells)
    assert taus["oracle_alignment"].mean == pytest.approx(1)
    assert math.isfinite(taus["clip_score"].mean)


@pytest.mark.slow
def test_any_pictures_can_be_audited(scoring) -> None:
    images = pool(audit_prompts(2)[0], 20, 0)
    found = audit_pictures("a folder", images, *scoring)
    lpips = found.of("lpips")
    assert set(lpips.sizes) == {4, 8, 16} and lpips.truth == {} and lpips.power == ()
    assert math.isfinite(lpips.nuisance["flip"].lo), "with one prompt the interval is over pictures"
    assert found.of("clip_score") is None
    with pytest.raises(InputError, match="at least 8 pictures, and here are 3 .a folder."):
        audit_pictures("a folder", images[:3], *scoring)


@pytest.mark.slow
def test_few_pictures_are_audited_without_inventing_a_drift(scoring) -> None:
    """Eight pictures give two disjoint sets of four, which is chance; unbiased metrics must still come out unbiased."""
    heard = []
    found = audit_pictures("a folder", pool(audit_prompts(2)[0], 9, 3), *scoring, heard.append)
    assert heard == sorted(heard) and heard[-1] == 1
    assert all(found.of(name).sizes[4].mean == pytest.approx(1, abs=0.05) for name in ("lpips", "rmse", "u_rke"))
    assert found.of("vendi").sizes[4].mean < 0.99
    assert found.of("factor_diversity") is None and "nan" not in verdict(found.of("lpips"))
    said = [cell.said for row in table(found, "diversity").rows for cell in row.cells]
    assert any("of four pictures" in text for text in said) and not any("nan" in text for text in said)


def test_a_plan_that_cannot_be_is_refused(scoring) -> None:
    with pytest.raises(InputError, match="at least 2 prompts"):
        next(audit_world(*scoring, replace(SMALL, prompts=1), None))


def test_an_audit_travels_as_json_and_into_a_document(audit: Audit, tmp_path) -> None:
    assert from_record(json.loads(json_text(audit))).of("lpips").version == audit.of("lpips").version
    document = tmp_path / "research.md"
    marks = "\n\n".join(f"{BEGIN.format(axis=axis)}\nold\n{END.format(axis=axis)}" for axis in AXES)
    document.write_text(f"Before.\n\n{marks}\n\nAfter.\n")
    update_tables(document, audit)
    text = document.read_text()
    assert "old" not in text and text.startswith("Before.") and text.endswith("After.\n")
    assert "| `lpips` |" in text and "**LPIPS**" in text
    update_tables(document, audit)
    assert document.read_text() == text
    document.write_text("no marks")
    with pytest.raises(InputError, match="no place for the audit's table"):
        update_tables(document, audit)
    assert any("u_rke" in line for line in lines(audit))


def test_a_metric_that_falls_with_guidance_may_still_rank_seeds_as_the_truth_does() -> None:
    seeds, truth, score = torch.arange(4.0), METRICS["oracle_alignment"], METRICS["clip_score"]
    cells = [
        MeasuredCell(
            prompt,
            scale,
            (0, 1, 2, 3),
            {
                truth.name: MeasuredPictures(truth, seeds + scale, {}),
                score.name: MeasuredPictures(score, seeds - scale, {}),
            },
        )
        for prompt in "abc"
        for scale in (1.0, 4.0, 8.0)
    ]
    found = agreement([score], cells)[score.name]
    assert (found.mean, found.lo, found.hi) == (1, 1, 1)


def test_the_shipped_audit_is_whole_and_of_today() -> None:
    """Every diversity metric that the embedded world can measure is in it, in the version that the code has now."""
    shipped = shipped_audit()
    assert shipped is not None and table(shipped, "diversity").rows
    bench = bare_workbench()
    metrics, encoders = bench.scorers_for(bench.registry().backbones["shapes"].scorers, ("all",))
    from t2ialign.metrics.scoring import version_of
    from t2ialign.use_cases.batches.scoring import weights_of

    asked = [metric for metric in metrics if metric.name not in UNASKED]
    today = {metric.name: version_of(metric, weights_of(metric, encoders)) for metric in asked}
    there = {entry.metric: entry.version for entry in shipped.metrics}
    assert {name: there.get(name) for name in today} == today


def test_prompts_of_the_audit_are_within_the_world() -> None:
    assert all(claims_of(parse(prompt.text)) for prompt in audit_prompts(10))
    assert len(oracle.GROUPS) == 5
