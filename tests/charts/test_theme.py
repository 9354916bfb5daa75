import itertools

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from t2ialign.charts.theme import BASE, DARK, LIGHT, axis_title, empty_figure, faded, figure, ink, styles
from tests.charts.conftest import metric

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def rgb(color: str) -> np.ndarray:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def linear(color: str) -> np.ndarray:
    value = rgb(color)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def seen(color: str, sight: str) -> np.ndarray:
    light = np.clip(np.array(SIGHT[sight]) @ linear(color), 0, 1)
    return rgb2lab(np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055))


def contrast(a: str, b: str) -> float:
    """WCAG 2.2 contrast ratio."""
    low, high = sorted(linear(color) @ [0.2126, 0.7152, 0.0722] for color in (a, b))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("checkpoints", "gap"), [(4, 11), (7, 6)])
@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("dark", [False, True])
def test_colors_are_told_apart_by_everyone(sight: str, dark: bool, checkpoints: int, gap: float):
    """Beside the base, four checkpoints differ strongly (CIEDE2000) to every kind of eye, and seven still clearly."""
    colors = [ink(dark).text, *(DARK if dark else LIGHT)[:checkpoints]]
    pairs = itertools.combinations(colors, 2)
    gaps = {pair: deltaE_ciede2000(*(seen(color, sight) for color in pair)) for pair in pairs}
    assert min(gaps.values()) > gap, min(gaps, key=gaps.get)


@pytest.mark.parametrize(("dark", "page"), [(False, "#FFFFFF"), (True, "#0B0F19")])
def test_contrast_on_the_page(dark: bool, page: str):
    assert min(contrast(color, page) for color in (DARK if dark else LIGHT)) >= 2.8
    assert contrast(ink(dark).muted, page) >= 4.5 and contrast(ink(dark).text, page) >= 7


def test_styles_keep_their_place():
    look = styles(["spo", BASE, "ddpo"])
    assert look["spo"] == styles(["spo"])["spo"] and look[BASE].symbol == "circle"
    assert (look["spo"].color, look["ddpo"].color) == LIGHT[:2]


def test_many_names_look_different():
    names = [f"n{i}" for i in range(27)]
    assert len(set(styles(names).values())) == 28  # and the base


def test_further_training_seeds_wear_their_runs_colour_and_take_nobodys():
    run, again, other = "dpo-step50", "dpo-seed1-step50", "kto"
    look = styles([BASE, run, again, "dpo-seed2-step50", other])
    assert (look[again].color, look[again].symbol) == (look[run].color, look[run].symbol)
    assert len({look[name].dash for name in (run, again, "dpo-seed2-step50")}) == 3
    assert look[other] == styles([run, other])[other], "a further seed moves nobody's colour"
    assert styles([again])[again].color == styles([run])[run].color, "also where its run is not on show"
    assert styles(["dpo-step50", "dpo-seed1"])["dpo-seed1"].color == LIGHT[1], "another number of steps is another run"


def test_titles_say_which_way_is_better():
    assert "share · more faithful →" in axis_title(metric("faith", "alignment"), "#000000")
    assert "share · ← more varied" in axis_title(metric("variety", "diversity", higher_is_better=False), "#000000")
    assert "Faith" in axis_title(metric("faith", "alignment", unit="faith"), "#000000")


def test_figure_is_transparent_and_quiet():
    layout = figure().layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.width is None and layout.title.text is None


def test_empty_figure_says_what_to_do():
    empty = empty_figure("Press Generate.")
    assert (
        not empty.data and empty.layout.annotations[0].text == "Press Generate." and empty.layout.xaxis.visible is False
    )


def test_faded():
    assert faded("#0072B2", 0.5) == "rgba(0,114,178,0.5)"
