"""What commands print of points and differences."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from t2ialign.pictures import read_settings
from t2ialign.store import open_store
from t2ialign.tradeoff.points import CellScore
from t2ialign.types import GenerationConfig, InputError, Interval, Prompt, Score
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import BatchState
from t2ialign.use_cases.reports import text
from t2ialign.use_cases.reports.text import (
    point_lines,
    score_lines,
    stored_points,
    write_pictures,
)
from tests.tradeoff.cells import point

BASE = GenerationConfig("shapes")
ANY = Interval(0.5, 0.4, 0.6)


def scored(config: GenerationConfig, metric: str, version: str) -> CellScore:
    return CellScore(config, f"cell of {config.key}", "a star", 8, metric, version, ANY)


def test_points_of_a_real_model_stand_beside_those_of_the_embedded_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each backbone has scorers of its own; within one another version is still refused."""
    real = GenerationConfig("sd-1.5", guidance_scale=7.5)
    rows = [scored(BASE, name, f"1+{name}-shapes:ab") for name in ("clip_score", "lpips")]
    rows += [scored(real, name, f"1+{name}-real:cd") for name in ("clip_score", "lpips")]
    monkeypatch.setattr(text, "newest_scores", lambda *_: rows)
    with open_store(tmp_path) as opened:
        found = stored_points(opened, "clip_score", "lpips")
    assert [(point.config.backbone, point.x_version) for point in found] == [
        ("shapes", "1+clip_score-shapes:ab"),
        ("sd-1.5", "1+clip_score-real:cd"),
    ]
    lines = list(point_lines(found))
    assert lines[2] == "Of sd-1.5, scored by clip_score-real and lpips-real:" and len(lines) == 4
    assert len(list(point_lines(found[:1]))) == 1, "alone it needs no heading"
    rows.append(scored(replace(real, guidance_scale=5.0), "lpips", "lpips-other"))
    with open_store(tmp_path) as opened, pytest.raises(InputError, match="lpips was scored by different versions"):
        stored_points(opened, "clip_score", "lpips")


def test_where_there_is_no_interval_it_says_too_few():
    lone = replace(point(0.5, 0.3), y=Interval(0.3, math.nan, math.nan))
    (line,) = point_lines([lone])
    assert "x 0.500 [0.500, 0.500]" in line and "y 0.300 (too few to say)" in line
    score = Score("lpips", "1", "diversity", "pair", torch.zeros(2, 2), 0.3, math.nan, math.nan)
    first, *_, last = score_lines({"lpips": score})
    assert "0.300  (too few to say)" in first and "takes 32 pictures" in last
    assert "oo few" not in "".join(score_lines({"lpips": replace(score, mean=math.nan)}))
    assert "oo few" not in "".join(score_lines({"lpips": replace(score, lo=0.2, hi=0.4)}))


def test_a_points_notes_stand_below_it_with_the_number_of_its_prompts():
    noted = replace(point(0.5, 0.3), cells=("a", "b"), prompts=2, notes=(("The prompt is long.", 1),))
    assert list(point_lines([noted]))[1:] == ["  1 of 2 prompts: The prompt is long."]


def test_saved_pictures_carry_what_made_them(tmp_path):
    request = BatchRequest(Prompt("a ring"), "base", (7, 9))
    config = GenerationConfig("shapes", guidance_scale=3.0)
    images = {seed: torch.full((3, 4, 4), seed, dtype=torch.uint8) for seed in (7, 9)}
    score = Score("clip_score", "1", "alignment", "image", torch.tensor([0.25, 0.5]), 0.4, 0.2, 0.6)
    state = BatchState(request, config, "done", images=images, scores={"clip_score": score})
    made = read_settings(write_pictures(state, tmp_path)[9].read_bytes(), "it").made
    assert (made.prompt, made.seed, made.config, made.scores) == ("a ring", 9, config, {"clip_score": 0.5})
