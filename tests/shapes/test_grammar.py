"""The grammar against itself and against hand-written readings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2ialign.shapes import grammar
from t2ialign.shapes.grammar import ObjectSpec, SceneSpec, claims_of, parse, to_text
from t2ialign.types import InputError

# Plain tuples: the nouns are built in the test, because their shape checks draw random items, which strategies must not.
things = st.tuples(
    st.sampled_from(grammar.SHAPES),
    st.sampled_from((None, *grammar.COLORS)),
    st.sampled_from((None, *grammar.TEXTURES)),
    st.sampled_from((None, *grammar.SIZES)),
)
scenes = st.tuples(st.lists(things, min_size=1, max_size=2), st.sampled_from((None, *grammar.RELATIONS)))


@given(scenes)
def test_parse_inverts_to_text(scene: tuple) -> None:
    objects, relation = scene
    spec = SceneSpec(tuple(ObjectSpec(*thing) for thing in objects), relation if len(objects) == 2 else None)
    assert parse(to_text(spec)) == spec


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("A red circle.", SceneSpec((ObjectSpec("circle", "red"),))),
        ("an orange, striped ring", SceneSpec((ObjectSpec("ring", "orange", "striped"),))),
        (
            "the large star under a violet plus",
            SceneSpec((ObjectSpec("star", size="big"), ObjectSpec("cross", "purple")), "below"),
        ),
        ("a star on the left of a ring", SceneSpec((ObjectSpec("star"), ObjectSpec("ring")), "to the left of")),
        ("a star next to a ring", SceneSpec((ObjectSpec("star"), ObjectSpec("ring")))),
    ],
)
def test_parse_reads_what_people_write(text: str, spec: SceneSpec) -> None:
    assert parse(text) == spec


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a whale", "whale"),
        ("a red", "no shape"),
        ("a red blue circle", "two colors"),
        ("a star and a ring and a cross", "two objects"),
        ("", "no shape"),
    ],
)
def test_parse_names_what_it_cannot_show(text: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        parse(text)


def test_claims_of_a_complex_prompt() -> None:
    claims = claims_of(parse("a big red star to the left of a dotted ring"))
    assert [(claim.kind, claim.index, claim.value) for claim in claims] == [
        ("exists", 0, "star"),
        ("color", 0, "red"),
        ("size", 0, "big"),
        ("exists", 1, "ring"),
        ("texture", 1, "dotted"),
        ("relation", 0, "to the left of"),
        ("alone", 0, "nothing else"),
    ]


def test_prompt_sets_keep_train_and_test_apart() -> None:
    train, test = grammar.prompts("train", 20), grammar.prompts("test", 20)
    assert len({prompt.text for prompt in train}) == len(train)
    assert {prompt.category for prompt in test} == set(grammar.CATEGORIES)
    for prompt in train:
        assert not any(grammar.is_held_out(thing) for thing in parse(prompt.text).objects)
    for prompt in test:
        held_out = any(grammar.is_held_out(thing) for thing in parse(prompt.text).objects)
        assert prompt.tags == (("held-out",) if held_out else ("familiar",))
    assert grammar.prompts("test", 20) == test
