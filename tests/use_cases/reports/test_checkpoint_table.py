"""The table of what checkpoints gained and lost; docs/experiments.md shows that of the shipped ones."""

from __future__ import annotations

import json
from pathlib import Path

from t2ialign import settings
from t2ialign.registry import load_registry
from t2ialign.use_cases.reports.checkpoint_table import markdown

CHANGE = {"before": {"mean": 0.7, "lo": 0.6, "hi": 0.8}, "after": {"mean": 0.75, "lo": 0.65, "hi": 0.85}}
GAP = {"mean": 0.05, "lo": -0.01, "hi": 0.11}


def checkpoint(home: Path, name: str, **record) -> None:
    folder = home / "checkpoints" / name
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"kind": "lora", "backbone": "shapes", **record}))


def test_a_row_says_what_changed_and_by_how_much(tmp_path: Path):
    metrics = {"oracle_alignment": {**CHANGE, "difference": GAP}, "u_rke": CHANGE}
    scores = {"metrics": metrics, "win_rate": {"by": "annotator", "mean": 0.61, "lo": 0.58, "hi": 0.65}}
    checkpoint(
        tmp_path, "mine", parents=["base"], data={"source": "annotator"}, scores=scores, training={"seconds": 150}
    )
    checkpoint(tmp_path, "untimed", parents=["base"], scores=scores)
    checkpoint(tmp_path, "unscored", parents=["base"])
    table = markdown(load_registry(home=tmp_path)).splitlines()
    rows = [line for line in table if "`mine`" in line or "unscored" in line]
    assert len(rows) == 1
    for words in ("`base`", "annotator", "0.610 [0.580, 0.650]", "+0.050 [-0.010, +0.110]", "0.70 → 0.75", "| 2.5 |"):
        assert words in rows[0]
    (untimed,) = [line for line in table if "`untimed`" in line]
    assert untimed.endswith("|  |"), "what was not kept is not 0"


def test_a_manifest_that_cannot_be_read_is_a_sentence_below(tmp_path: Path):
    checkpoint(tmp_path, "odd", scores="good")
    *_, last = markdown(load_registry(home=tmp_path)).splitlines()
    assert "odd" in last and "'scores' is a table of named values, not 'good'" in last


def test_the_document_shows_the_shipped_ones(tmp_path: Path):
    shipped = markdown(load_registry(home=tmp_path))
    document = (settings.ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    assert shipped in document, "run: python -m t2ialign checkpoints --markdown, and paste it into docs/experiments.md"
