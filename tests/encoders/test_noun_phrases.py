from __future__ import annotations

import pytest

from t2ialign.encoders.noun_phrases import noun_phrases, spatial_relation


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("a red circle to the left of a blue square", ["a red circle", "a blue square"]),
        ("a green bench and a red car", ["a green bench", "a red car"]),
        (
            "a fluffy cat, wearing the striped hat on a metal table.",
            ["a fluffy cat", "the striped hat", "a metal table"],
        ),
        ("A photo of one big star with dots", ["A photo", "one big star", "dots"]),
        ("a cat behind a sofa", ["a cat", "a sofa"]),
        ("standing", []),
        ("", []),
    ],
)
def test_phrases(text: str, phrases: list[str]):
    assert noun_phrases(text) == phrases


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("a red circle to the left of a blue square", ("a red circle", "to the left of", "a blue square")),
        ("a dog on the right of a tree and a car", ("a dog", "on the right of", "a tree")),
        ("a star above a ring", ("a star", "above", "a ring")),
        ("a cup on top of a book next to a lamp", ("a cup", "on top of", "a book")),
        ("a cat behind a sofa", ("a cat", "behind", "a sofa")),
        ("a red circle and a blue square", None),
        ("to the left of a blue square", None),
    ],
)
def test_relations(text: str, relation: tuple[str, str, str] | None):
    assert spatial_relation(text) == relation
