"""docs/metrics.md is what the code says today, and the numbers beside outside authorities can be measured again."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from t2ialign import settings
from t2ialign.encoders import ENCODERS
from t2ialign.metrics import DEFAULT, METRICS, ON_REQUEST
from t2ialign.use_cases.reports import metric_table
from t2ialign.use_cases.reports.metric_words import EQUATIONS


def test_the_document_is_current() -> None:
    stored = (settings.ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert stored == metric_table.markdown(), "run: python -m t2ialign metrics --markdown > docs/metrics.md"


def test_every_metric_has_a_definition_and_an_equation() -> None:
    assert set(EQUATIONS) == set(METRICS)
    rows = {row["name"]: row for row in metric_table.records()}
    assert all(row["definition"].endswith(".") and row["summary"] for row in rows.values())
    assert rows["fsim"]["on_request"] and not rows["lpips"]["on_request"]


def test_every_scorer_says_how_it_was_tested() -> None:
    text = metric_table.markdown()
    words = {
        "clip": "CLIP ViT-B/32",
        "lpips": "LPIPS alex",
        "dinov2": "DINOv2",
        "dreamsim": "DreamSim",
        "hps": "HPSv2.0",
    }
    words |= {"inception": "Inception-v3", "aesthetic": "| aesthetic", "image_reward": "ImageReward"}
    words |= {"pick_score": "PickScore", "vqa_score": "VQAScore", "blip_vqa": "BLIP-VQA", "spatial": "| spatial"}
    assert set(words) == set(ENCODERS)
    assert {name for name, word in words.items() if word not in text} == set()


def test_the_short_list_is_part_of_the_menu() -> None:
    assert set(DEFAULT) | ON_REQUEST == set(METRICS) and not set(DEFAULT) & ON_REQUEST


@pytest.mark.slow
def test_stored_numbers_agree_with_the_authorities_measured_now() -> None:
    pytest.importorskip("piq")
    pytest.importorskip("vendi_score")
    file = settings.ROOT / "benchmarks" / "agreement.py"
    spec = spec_from_file_location("agreement", file)
    assert spec is not None and spec.loader is not None
    agreement = module_from_spec(spec)
    sys.modules["agreement"] = agreement
    spec.loader.exec_module(agreement)
    stored = {row["metric"]: row for row in metric_table.agreement()["beside"]}
    measured = agreement.rows()
    assert {row[0] for row in measured} == set(stored)
    for metric, authority, ours, theirs in measured:
        assert ours == pytest.approx(theirs, rel=1e-5), f"{metric} beside {authority}"
        if metric != "lpips":  # its random trunk depends on the version of torch
            assert stored[metric]["ours"] == pytest.approx(ours, rel=1e-5)
            assert stored[metric]["reference"] == pytest.approx(theirs, rel=1e-5)
