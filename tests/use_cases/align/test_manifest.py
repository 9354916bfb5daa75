"""Manifests: the shipped ones read and write back the same, foreign ones are one sentence."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from t2ialign import settings
from t2ialign.registry import load_registry
from t2ialign.source import Source
from t2ialign.study.records import VotesRecord
from t2ialign.types import InputError, Interval, MergeError
from t2ialign.use_cases.align.manifest import (
    MANIFEST,
    BeforeAfter,
    Difference,
    LearnedData,
    MergedPart,
    MetricChange,
    TrainingEffort,
    TrainingManifest,
    WinRate,
    find_manifest,
    manifest_of,
    record_of,
    write_manifest,
)
from t2ialign.use_cases.align.request import AlignRequest

SHIPPED = sorted(settings.CHECKPOINTS.glob(f"*/{MANIFEST}"))
FULL = TrainingManifest(
    title="f-DPO (mine)",
    method="f_dpo",
    note="Trained from base.",
    citation="A paper.",
    parents=("base",),
    request=AlignRequest(
        "f_dpo", "mine", pairs=Source("votes", "s", "g"), options=(("beta", 2.0), ("divergence", "js"))
    ),
    data=LearnedData(Source("votes", "s", "g"), 8, "ab", VotesRecord(study="s", answers=4)),
    training=TrainingEffort(2.5, 3, 1),
    merge=(MergedPart("a", 0.5, "ab"),),
    merge_error=MergeError(8, 0.01, 0.02, "mid_block.to_q"),
    created="2026-11-28T12:00:00+00:00",
    kind="lora",
    backbone="shapes",
    backbone_revision="ab",
    file="x.safetensors",
    sha256="ab",
    scores=BeforeAfter(
        1,
        4,
        4.0,
        25,
        {
            "lpips": MetricChange(
                Interval(0.5, 0.4, 0.6), Interval(0.25, 0.2, 0.3), Difference(-0.25, -0.3, -0.2, 0.01)
            ),
            "u_rke": MetricChange(Interval(4.0, 3.0, 5.0), Interval(3.0, 2.0, 4.0)),
        },
        WinRate("annotator", 0.6, 0.5, 0.7),
    ),
    wall_seconds=60.0,
    more={"somebody": {"added": ["this"]}},
)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_a_shipped_manifest_reads_and_writes_back_the_same(path: Path, tmp_path: Path):
    manifest = find_manifest(path.parent)
    write_manifest(tmp_path, manifest)
    assert (tmp_path / MANIFEST).read_text(encoding="utf-8") == path.read_text(encoding="utf-8")
    assert not manifest.more and manifest.kind in ("lora", "dora")
    assert manifest.merge or manifest.request.name == path.parent.name


def test_all_adapters_of_the_registry_have_theirs():
    adapters = {name for name, entry in load_registry().checkpoints.items() if isinstance(entry.adapter, Path)}
    assert adapters == {path.parent.name for path in SHIPPED} and len(adapters) > 20


def test_everything_is_read_as_it_was_written(tmp_path: Path):
    write_manifest(tmp_path, FULL)
    assert find_manifest(tmp_path) == FULL
    assert json.loads((tmp_path / MANIFEST).read_text())["somebody"] == {"added": ["this"]}
    write_manifest(tmp_path, TrainingManifest())
    assert find_manifest(tmp_path) == TrainingManifest() and json.loads((tmp_path / MANIFEST).read_text()) == {}


def test_what_is_not_known_is_null():
    record = record_of(TrainingManifest(scores=BeforeAfter(win_rate=WinRate("a", 0.5))))
    assert record["scores"]["win_rate"] == {"by": "a", "mean": 0.5, "lo": None, "hi": None}
    assert math.isnan(manifest_of(record).scores.win_rate.lo)


def test_effective_numbers_have_two_means_and_no_interval_of_their_difference():
    changes = FULL.scores.metrics
    assert changes["lpips"].gap == Interval(-0.25, -0.3, -0.2)
    gap = changes["u_rke"].gap
    assert gap.mean == -1.0 and math.isnan(gap.lo) and math.isnan(gap.hi)
    assert "difference" not in record_of(FULL)["scores"]["metrics"]["u_rke"]


def test_where_there_is_none_there_is_none(tmp_path: Path):
    assert find_manifest(tmp_path) is None and find_manifest(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "no table of named values"),
        ('{"title": 3}', "'title' is a text, not 3"),
        ('{"parents": "base"}', "'parents' is a list, not 'base'"),
        ('{"merge": "soup"}', "'merge' is a list, not 'soup'"),
        ('{"merge_error": {"worst": "far"}}', "'merge_error.worst' is a number, not 'far'"),
        ('{"request": {"method": "f_dpo"}}', "'request' lacks 'name'"),
        ('{"request": {"method": "f_dpo", "name": "x", "pairs": 3}}', "'request.pairs' is a text, not 3"),
        ('{"scores": {"metrics": {"lpips": {"before": 0.5}}}}', "'scores.metrics.lpips' lacks 'after'"),
        ('{"scores": {"win_rate": "high"}}', "'scores.win_rate' is a table"),
        ('{"wall_seconds": "long"}', "'wall_seconds' is a number, not 'long'"),
    ],
)
def test_an_odd_manifest_is_one_sentence(text: str, said: str, tmp_path: Path):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(InputError) as found:
        find_manifest(tmp_path)
    assert said in str(found.value) and str(tmp_path / MANIFEST) in str(found.value)
