"""The exact optimum over prompts: one prompt's numbers are those of ``shapes.optimum``, and bad input is a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from t2ialign import settings
from t2ialign.metrics import METRICS
from t2ialign.shapes import oracle
from t2ialign.shapes.annotator import TASTES
from t2ialign.shapes.grammar import parse
from t2ialign.shapes.optimum import known_optima, optima
from t2ialign.shapes.oracle import claims_hold, from_factors, scenes_of, truth
from t2ialign.shapes.reader import Reading, read
from t2ialign.shapes.render import render
from t2ialign.shapes.scene import Factors
from t2ialign.types import InputError
from t2ialign.use_cases.reports.optimum import frontier, lines, read_strengths, renderer_line


@pytest.mark.slow
def test_a_point_is_the_mean_over_prompts(tmp_path: Path) -> None:
    texts = ("a red circle", "a small blue square")
    (tmp_path / "two.txt").write_text("\n".join(texts))
    world, point = frontier("minimal", (0.0, 0.3), str(tmp_path / "two.txt"))
    each = [optima(parse(text), TASTES["minimal"], (0.3,))[0] for text in texts]
    assert point.prompts == 2 and point.strength == 0.3
    assert point.kl.mean == pytest.approx(sum(one.kl for one in each) / 2)
    assert point.win_rate.mean == pytest.approx(sum(one.win_rate for one in each) / 2)
    assert point.diversity["background"].mean == pytest.approx(sum(one.diversity["background"] for one in each) / 2)
    assert point.diversity["size"].mean == pytest.approx(each[0].diversity["size"])  # the other prompt names it
    assert point.diversity["tilt"].mean == pytest.approx(each[1].diversity["tilt"])  # a circle has none
    assert point.effective_scenes == min(one.effective_scenes for one in each)
    assert world.diversity["all"].mean == pytest.approx(1) and world.win_rate.mean == 0.5
    head, _, first, second = lines([world, point])
    assert head.count("|") == first.count("|") == second.count("|") and second.startswith("| 0.3 | 0.")


def test_strengths_as_people_write_them() -> None:
    assert read_strengths(("0", "0.25")) == [0.0, 0.25]
    for said in ((), ("x",), ("-1",), ("nan",), ("inf",)):
        with pytest.raises(InputError, match="numbers from 0 up"):
            read_strengths(said)


def test_a_group_that_does_not_exist_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match="There is no group of raters called 'minimum': did you mean 'minimal'"):
        list(frontier("minimum", (0.0,), "shapes-test"))


def accepted(text: str, strength: float, count: int) -> Factors:
    """Scenes of the tilted law by rejection: one of p stays with chance exp(s (u - the highest u))."""
    spec, draw = parse(text), torch.Generator().manual_seed(7 + (strength > 0))
    scenes = scenes_of(spec, count * (12 if strength else 1), draw)
    utilities = TASTES["minimal"].style(
        from_factors(scenes), torch.arange(len(spec.objects)).expand(len(scenes.shape), -1)
    )
    kept = torch.rand(len(utilities), generator=draw) <= (strength * (utilities - utilities.max())).exp()
    return first(Factors(**{name: getattr(scenes, name)[kept] for name in Factors.__dataclass_fields__}), count)


def first(scenes: Factors, count: int) -> Factors:
    return Factors(**{name: getattr(scenes, name)[:count] for name in Factors.__dataclass_fields__})


def place(text: str, ours: Reading, theirs: Reading) -> np.ndarray:
    """Win rate of one side's pictures over the other's, and change of factor diversity."""
    spec, sides = parse(text), (ours, theirs)
    styles = [TASTES["minimal"].style(side, claims_hold(side, spec)[1]) for side in sides]
    far = [float(METRICS["factor_diversity"].compute(truth(side, spec))) for side in sides]
    return np.array([float((styles[0][:, None] > styles[1][None]).double().mean()), far[0] / far[1] - 1])


@pytest.mark.slow
@pytest.mark.parametrize("strength", [0.3, 0.6])
def test_renders_of_tilted_scenes_land_on_the_line(strength: float) -> None:
    """3000 tilted scenes a prompt, no weights: within three standard errors. Their pictures, read, say the same of them."""
    reader = oracle.load(settings.CHECKPOINTS / "oracle-shapes", "cpu").reader
    texts, drawn, shown, known = ("a red circle", "a big ring and a small cross"), [], [], []
    for text in texts:
        sides = [accepted(text, one, 3000) for one in (strength, 0.0)]
        assert all(len(side.shape) == 3000 for side in sides), "enough were kept"
        drawn.append(place(text, *map(from_factors, sides)))
        some = [first(side, 128) for side in sides]
        known.append(place(text, *map(from_factors, some)))
        shown.append(place(text, *(read(reader, render(side)) for side in some)))
    line = renderer_line("style_minimal", "factor_diversity", texts)
    (point,) = [one for one in line if one.checkpoint.startswith(f"1/beta = {strength:g},")]
    assert np.mean(drawn, 0) == pytest.approx([point.win_rate.mean, point.change.mean], abs=0.02)
    assert np.mean(shown, 0) == pytest.approx(np.mean(known, 0), abs=0.02)


@pytest.mark.slow
def test_the_line_is_the_optimum_on_the_frontiers_axes() -> None:
    texts = ("a red circle", "a small blue square")
    line = renderer_line("style_minimal", "factor_diversity", texts)
    each = [optima(parse(text), TASTES["minimal"], (0.3,))[0] for text in texts]
    (point,) = [one for one in line if one.checkpoint.startswith("1/beta = 0.3, KL 0.")]
    assert point.win_rate.mean == pytest.approx(sum(one.win_rate for one in each) / 2)
    assert point.change.mean == pytest.approx(sum(one.factor_diversity for one in each) / 2 - 1)
    assert line == renderer_line("style_minimal", "factor_diversity_faithful", texts), "a renderer is always faithful"
    (size,) = [one for one in renderer_line("style_minimal", "factor_size", texts) if "= 0.3," in one.checkpoint]
    assert size.change.mean == pytest.approx(each[0].diversity["size"] - 1), "the other prompt names it"
    rates = [one.win_rate.mean for one in line]
    assert rates == sorted(rates) and rates[-1] > 0.8


def test_where_the_optimum_is_not_known_there_is_no_line() -> None:
    texts = ("a red circle",)
    assert not renderer_line("clip_score", "factor_diversity", texts)
    assert not renderer_line("style_minimal", "lpips", texts)
    assert not renderer_line("style_minimal", "factor_diversity", (*texts, "a castle at dawn"))
    assert not renderer_line("style_minimal", "factor_tilt", texts), "a circle has none"


def test_a_tilt_that_few_scenes_carry_ends_the_line() -> None:
    found = known_optima(parse("a red circle"), TASTES["minimal"], (0.5, 1e4))
    assert [one.strength for one in found] == [0.5]
