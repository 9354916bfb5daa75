"""Scenes and their pictures against geometry worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.shapes.captions import caption, relation_of, swap_one, tokens
from t2ialign.shapes.grammar import COLORS, HELD_OUT_COLOR_SHAPE, HELD_OUT_TEXTURE_SHAPE, SHAPES, TEXTURES
from t2ialign.shapes.render import render
from t2ialign.shapes.scene import RADII, Factors, draw_scenes


def one(shape: str, texture: str = "solid", radius: float = 0.25, tilt: float = 0.0) -> Factors:
    """One red object in the middle of a flat grey background."""
    pair = torch.zeros(1, 2)
    return Factors(
        shape=torch.tensor([[SHAPES.index(shape), -1]]),
        color=pair.long(),
        texture=torch.full((1, 2), TEXTURES.index(texture)),
        size=pair.long(),
        center=torch.full((1, 2, 2), 0.5),
        radius=torch.full((1, 2), radius),
        tilt=torch.full((1, 2), tilt),
        rgb=torch.tensor([1.0, 0.0, 0.0]).expand(1, 2, 3),
        background=torch.full((1, 3), 0.5),
        gradient=torch.zeros(1, 2),
    )


def red_share(factors: Factors, side: int = 128) -> float:
    picture = render(factors, side)[0].float() / 255
    grey = 128 / 255  # a flat background of one half rounds to 128
    return ((picture[0] - grey) / (1 - grey)).clamp(0, 1).mean().item()


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ("circle", math.pi),
        ("square", (2 * 0.86) ** 2),
        ("ring", math.pi * (1 - 0.48**2)),
        ("cross", 2 * 2 * 0.64 - 0.64**2),
    ],
)
def test_areas_match_geometry(shape: str, area: float) -> None:
    assert red_share(one(shape)) == pytest.approx(area * 0.25**2, rel=0.01)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_turn_by_its_own_symmetry_changes_nothing(shape: str) -> None:
    fold = {"circle": 7, "ring": 7, "square": 4, "triangle": 3, "star": 5, "cross": 4}[shape]
    still, turned = (render(one(shape, tilt=tilt), 128).float() for tilt in (0.0, 2 * math.pi / fold))
    assert (still - turned).abs().max() <= 2


@pytest.mark.parametrize("texture", TEXTURES)
def test_second_tone_covers_its_share(texture: str) -> None:
    picture = render(one("square", texture), 256)[0].float() / 255
    inside = picture[:, 100:156, 100:156]
    dark = (inside[0] < 0.7).float().mean().item()
    lattice = math.pi * 0.31**2 / 0.87
    expected = {"solid": 0.0, "striped": 0.5, "dotted": lattice}[texture]
    assert dark == pytest.approx(expected, abs=0.08)


def test_drawn_scenes_keep_their_promises() -> None:
    factors = draw_scenes(3000, torch.Generator().manual_seed(0))
    present = factors.shape >= 0
    for name, low, high in (("small", *RADII["small"]), ("big", *RADII["big"])):
        radius = factors.radius[present & (factors.size == ("small", "big").index(name))]
        assert radius.min() >= low - 1e-6 and radius.max() <= high + 1e-6
    edge = factors.center - factors.radius[..., None]
    assert edge[present].min() >= 0 and (factors.center + factors.radius[..., None])[present].max() <= 1
    pair = present.all(1)
    gap = (factors.center[:, 0] - factors.center[:, 1]).norm(dim=1) - factors.radius.sum(1)
    assert (gap[pair] > 0).float().mean() > 0.9
    combinations = {(COLORS[c], SHAPES[s]) for c, s in zip(factors.color[present], factors.shape[present], strict=True)}
    assert not combinations & HELD_OUT_COLOR_SHAPE and len(combinations) == 48 - len(HELD_OUT_COLOR_SHAPE)
    textured = {(TEXTURES[t], SHAPES[s]) for t, s in zip(factors.texture[present], factors.shape[present], strict=True)}
    assert not textured & HELD_OUT_TEXTURE_SHAPE


def test_backgrounds_lean_on_the_habitat() -> None:
    factors = draw_scenes(4000, torch.Generator().manual_seed(1))
    alone = factors.shape[:, 1] < 0
    within = torch.stack(
        [factors.background[alone & (factors.color[:, 0] == c)].var(0).sum() for c in range(len(COLORS))]
    )
    assert within.mean() < 0.75 * factors.background[alone].var(0).sum()


def test_captions_tell_the_truth_and_swaps_tell_one_lie() -> None:
    draw = torch.Generator().manual_seed(2)
    factors = draw_scenes(2000, draw)
    said = caption(factors, draw)
    swapped = swap_one(said, draw)
    lies = sum((said.said[kind] != swapped.said[kind]).sum(1) for kind in said.said)
    assert (lies + (said.relation != swapped.relation) == 1).all()
    assert (
        (said.relation < 0) | (relation_of(factors) == said.relation) | (relation_of(factors) == (said.relation ^ 1))
    ).all()
    dirty = caption(factors, torch.Generator().manual_seed(3), dirty=1 / 8)
    clean = caption(factors, torch.Generator().manual_seed(3))
    changed = sum((dirty.said[kind] != clean.said[kind]).any(1) for kind in clean.said) + (
        dirty.relation != clean.relation
    )
    assert 0.07 < (changed > 0).float().mean() < 0.16


def test_token_rows_are_what_the_stock_tokenizer_makes(tmp_path) -> None:
    from transformers import CLIPTokenizer

    from t2ialign.shapes.grammar import parse
    from t2ialign.shapes.tokenizer import write_tokenizer

    write_tokenizer(tmp_path)
    tokenizer = CLIPTokenizer.from_pretrained(tmp_path)
    draw = torch.Generator().manual_seed(4)
    rows = tokens(caption(draw_scenes(100, draw), draw), draw)
    for row in rows:
        text = tokenizer.decode(row, skip_special_tokens=True)
        parse(text)
        assert tokenizer(text, padding="max_length").input_ids == row.tolist()
