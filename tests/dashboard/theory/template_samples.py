"""Theory's templates, each through the function that renders it, with hostile text wherever text may come in."""

from functools import partial

from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.theory.family_view import DASHES, WORDS, DivergenceCard, family, heading
from t2ialign.dashboard.theory.player_view import FilmData, player
from tests.dashboard.outline import EVIL

LOOK = Look("#111111", "#eeeeee")
CARDS = [DivergenceCard(name, EVIL, LOOK, dash, 1.0, 2.0, dash == "dot") for name, dash in zip(WORDS, DASHES)]
FILM = FilmData([0, 5], [1, 8], {EVIL: {"cloud": [{"x": [0.5]}, {"x": [1.5]}], "path": {"x": [0.0, 1.0]}}})
PROSE = ("intro", "landscape", "landscape_words", "ratio", "source")

SAMPLES = {
    "theory/family.html": partial(family, CARDS),
    "theory/heading.html": partial(heading, CARDS[0]),
    "theory/line.html": partial(heading, CARDS[0]),
    "theory/player.html": partial(player, FILM),
    **{f"theory/{name}.html": partial(render, f"theory/{name}.html") for name in PROSE},
}
