"""A paper's tables from stored scores: its units, its arrows, scipy's paired tests."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.types import AdapterUse, GenerationConfig, InputError, Prompt, Score, SeedBatch
from t2ialign.use_cases.reports.paper_tables import fill, lines

DRAW = np.random.default_rng(0)
BASE = DRAW.uniform(0.2, 0.4, 12)
MINE = {"clip_score": BASE + 0.1 + DRAW.normal(0, 0.01, 12), "clip_diversity": BASE + DRAW.normal(0, 0.05, 12)}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[store.Store]:
    with store.open_store(tmp_path / "home") as opened:
        for name, values in (("base", dict.fromkeys(MINE, BASE)), ("mine", MINE)):
            adapters = () if name == "base" else (AdapterUse(name),)
            for index in range(12):
                config = GenerationConfig("shapes", adapters=adapters, height=8, width=8)
                pictures = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
                seeds = (2 * index, 2 * index + 1)
                batch = SeedBatch(Prompt(f"prompt {index}"), config, seeds, pictures, torch.zeros(2), torch.zeros(2))
                store.add_batch(opened, batch)
                scores = [_score(metric, float(values[metric][index])) for metric in MINE]
                store.add_scores(opened, batch, scores)
        yield opened


def _score(metric: str, value: float) -> Score:
    one = METRICS[metric]
    values = torch.full((2,) if one.level == "image" else (2, 2), value, dtype=torch.float64)
    return Score(metric, one.version, one.axis, one.level, values, value, math.nan, math.nan)


@pytest.mark.slow
def test_numbers_in_the_papers_units_with_scipys_paired_test(opened: store.Store) -> None:
    first, second = fill(opened, "f-divergence", ["mine"], "base", 4.0)
    cell = first.rows["mine"]["clip_score"]
    assert cell.mean == pytest.approx(MINE["clip_score"].mean()) and cell.prompts == 12
    assert cell.sd == pytest.approx(np.std(MINE["clip_score"], ddof=1))
    assert cell.p == pytest.approx(stats.ttest_rel(MINE["clip_score"], BASE).pvalue)
    similar = second.rows["mine"]["clip_diversity"]
    assert similar.mean == pytest.approx(1 - MINE["clip_diversity"].mean()), "the paper prints the cosine itself"
    assert second.rows["base"]["clip_diversity"].mean == pytest.approx(1 - BASE.mean())
    assert similar.p == pytest.approx(stats.ttest_rel(MINE["clip_diversity"], BASE).pvalue)
    assert first.family == second.family == 1 and "VQAScore" in first.absent and "RMSE" in second.absent


@pytest.mark.slow
def test_the_printed_table_names_what_is_absent_and_marks_what_stands(opened: store.Store) -> None:
    text = "\n".join(lines(fill(opened, "f-divergence", ["mine"], "base", 4.0)))
    assert "| checkpoint | CLIPScore ↑ |" in text and "Image-Image CLIPScore ↓" in text
    row = next(line for line in text.splitlines() if line.startswith("| `mine` | **"))
    assert row == f"| `mine` | **{MINE['clip_score'].mean():.3f} ± {np.std(MINE['clip_score'], ddof=1):.3f}** |"
    assert "Not scored here: VQAScore, Aesthetics Score" in text and "over 12 prompts" in text and "nan" not in text


@pytest.mark.slow
def test_bad_input_is_a_sentence(opened: store.Store) -> None:
    with pytest.raises(InputError, match="no paper called 'g-divergence'.*f-divergence"):
        fill(opened, "g-divergence", ["mine"], "base", 4.0)
    with pytest.raises(
        InputError, match="yours and base share no run at CFG 4 with a score by any of clip_score, vqa_score"
    ):
        fill(opened, "f-divergence", ["mine", "yours"], "base", 4.0)
    with pytest.raises(InputError, match="lpipps"):
        fill(opened, "f-divergence", ["mine"], "base", 4.0, ["lpipps"])
