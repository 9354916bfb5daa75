"""A measure as a judge of stored runs: which cells count, and what is said where there are none."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.types import GenerationConfig, InputError, Prompt, Score, SeedBatch
from t2ialign.use_cases.reports.choosing import lines, report

SEEDS = (2, 3, 5, 7)
MARKS = {"a star": (1.0, 2.0, 3.0, 4.0), "a ring": (4.0, 3.0, 2.0, 1.0)}
TRUTH = {"a star": (0.1, 0.2, 0.3, 0.4), "a ring": (0.1, 0.9, 0.2, 0.3)}


def score(name: str, values: tuple[float, ...]) -> Score:
    data = torch.tensor(values, dtype=torch.float64)
    return Score(name, METRICS[name].version, METRICS[name].axis, "image", data, float(data.mean()), math.nan, math.nan)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[store.Store]:
    with store.open_store(tmp_path / "home") as opened:
        for guidance in ("cfg", "apg"):
            for text in MARKS:
                config = GenerationConfig("shapes", guidance=guidance, guidance_scale=4.0, height=8, width=8)
                pictures = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
                batch = SeedBatch(Prompt(text), config, SEEDS, pictures, torch.zeros(4), torch.zeros(4))
                store.add_batch(opened, batch)
                store.add_scores(
                    opened, batch, [score("mutual_information", MARKS[text]), score("oracle_alignment", TRUTH[text])]
                )
        yield opened


@pytest.mark.slow
def test_plain_runs_are_judged_prompt_by_prompt(opened: store.Store) -> None:
    """Ranks 0, 2, 3 of four: in order for the star; the ring's truths 0.3, 0.9, 0.1 have one pair of three in order."""
    (one,) = report(opened, "base", "mutual_information", "oracle_alignment").scales
    assert (one.guidance_scale, one.prompts, sorted(one.values)) == (4.0, 2, [1, 1, 2, 2, 3, 3, 4, 4])
    assert one.three.mean.mean == pytest.approx((1 - 1 / 3) / 2) and one.three.prompts == 2
    assert [(choice.candidates, choice.kept) for choice in one.choices] == [(4, 1), (4, 2)]
    assert one.choices[0].gain.mean.mean == pytest.approx((0.4 - 0.25 + 0.1 - 0.375) / 2)
    text = "\n".join(lines(report(opened, "base", "mutual_information", "oracle_alignment")))
    assert "| 4 | 8 | 2.5 | 0.333" in text and "nan" not in text


@pytest.mark.slow
def test_what_cannot_judge_is_said(opened: store.Store) -> None:
    with pytest.raises(InputError, match="lpips measures a whole set"):
        report(opened, "base", "lpips", "oracle_alignment")
    with pytest.raises(InputError, match="base has no stored run with clip_score"):
        report(opened, "base", "clip_score", "oracle_alignment")
