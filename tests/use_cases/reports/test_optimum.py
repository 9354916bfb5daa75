"""The exact optimum over prompts: one prompt's numbers are those of ``shapes.optimum``, and bad input is a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from t2ialign.shapes.annotator import TASTES
from t2ialign.shapes.grammar import parse
from t2ialign.shapes.optimum import optima
from t2ialign.types import InputError
from t2ialign.use_cases.reports.optimum import frontier, lines, read_strengths


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
