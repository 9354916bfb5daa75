"""Raters' utilities on scenes whose style is known, and their noise against Bradley-Terry."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.shapes.annotator import FAITHFULNESS_WEIGHT, PUBLIC, TASTES, utility, vote
from t2ialign.shapes.grammar import parse
from t2ialign.shapes.oracle import claims_hold, from_factors, scenes_of
from t2ialign.shapes.scene import draw_scenes


def test_styles_are_about_standard_over_the_world() -> None:
    reading = from_factors(draw_scenes(4000, torch.Generator().manual_seed(0)))
    first = torch.zeros(4000, 1, dtype=torch.long)
    weights = {
        **{name: math.hypot(*vars(TASTES[name]).values()) for name in PUBLIC},
        "minimal": math.hypot(1.0, 1.0, 0.7),
    }
    assert set(weights) == set(TASTES)
    for name, taste in TASTES.items():
        utilities = taste.style(reading, first)
        assert utilities.mean().abs() < 0.15
        assert utilities.std() == pytest.approx(weights[name], rel=0.25)


def scene_with(background: tuple[float, float, float], gradient: float, place: tuple[float, float]):
    spec = parse("a red circle")
    scenes = scenes_of(spec, 1, torch.Generator().manual_seed(0))
    scenes.background[0], scenes.gradient[0] = torch.tensor(background), torch.tensor([gradient, 0.0])
    scenes.center[0, 0] = torch.tensor(place)
    reading = from_factors(scenes)
    return reading, claims_hold(reading, spec)[1]


def test_an_ideal_point_is_best_and_worse_on_either_side() -> None:
    """By hand: at the ideal each of the three terms is its constant; a background 0.2 off in red costs 0.04 / 0.0399."""
    taste = TASTES["minimal"]
    best = taste.style(*scene_with(taste.ideal, 0.0, (0.5, 0.5))).item()
    assert best == pytest.approx(0.0541 / 0.0399 + 0.0323 / 0.0204 + 0.7 * 0.0624 / 0.0423, abs=1e-4)
    red, green, blue = taste.ideal
    for change in (0.2, -0.2):
        off = taste.style(*scene_with((red + change, green, blue), 0.0, (0.5, 0.5))).item()
        assert best - off == pytest.approx(0.04 / 0.0399, abs=1e-3)
        assert taste.style(*scene_with(taste.ideal, change, (0.5, 0.5))).item() < best
        assert taste.style(*scene_with(taste.ideal, 0.0, (0.5 + change, 0.5))).item() < best


def test_sunny_raters_like_what_nocturnal_ones_do_not() -> None:
    spec = parse("a red circle")
    scenes = scenes_of(spec, 2, torch.Generator().manual_seed(0))
    scenes.background[0], scenes.background[1] = torch.tensor([0.8, 0.7, 0.4]), torch.tensor([0.2, 0.25, 0.5])
    reading = from_factors(scenes)
    _, slots = claims_hold(reading, spec)
    sunny, nocturne = (TASTES[name].style(reading, slots) for name in ("sunny", "nocturne"))
    assert sunny[0] > sunny[1] and nocturne[0] < nocturne[1]


def test_faithfulness_counts_for_every_taste() -> None:
    right, wrong = parse("a red circle"), parse("a blue square")
    reading = from_factors(scenes_of(right, 50, torch.Generator().manual_seed(1)))
    for taste in TASTES.values():
        gain = utility(reading, right, taste) - utility(reading, wrong, taste)
        assert gain.mean().item() == pytest.approx(FAITHFULNESS_WEIGHT, abs=0.3)


def test_votes_follow_bradley_terry() -> None:
    draw = torch.Generator().manual_seed(2)
    left, right = torch.full((20_000,), 1.0), torch.zeros(20_000)
    assert vote(left, right, draw).float().mean().item() == pytest.approx(1 / (1 + torch.e**-1), abs=0.01)
    assert vote(left, right, draw, temperature=1e6).float().mean().item() == pytest.approx(0.5, abs=0.012)
