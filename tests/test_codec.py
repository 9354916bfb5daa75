"""Records as plain JSON values and back: what was written is what is read, and nonsense is one sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2ialign.codec import AS_OBJECT, decode, encode, text_form
from t2ialign.types import GenerationConfig, InputError, TrainStep


@dataclass(frozen=True)
class Colour:
    """``#red``: a record with a text form."""

    name: str

    def __str__(self) -> str:
        return f"#{self.name}"


def colour(text: str) -> Colour:
    if not text.startswith("#"):
        raise InputError("a colour begins with #")
    return Colour(text[1:])


text_form(Colour, colour)


@dataclass(frozen=True)
class Part:
    name: str
    size: float = 1.0


@dataclass(frozen=True)
class Whole:
    part: Part
    parts: tuple[Part, ...] = ()
    pair: tuple[int, str] = (0, "")
    kind: Literal["a", "b"] = "a"
    maybe: Part | None = None
    moment: datetime | None = None
    colour: Colour = Colour("red")
    options: tuple[tuple[str, Any], ...] = field(default=(), metadata=AS_OBJECT)
    by_name: Mapping[str, Part] = field(default_factory=dict)
    by_size: Mapping[int, Part] = field(default_factory=dict)


MOMENT = datetime(2026, 11, 28, 12, 30, 15, 250_000, tzinfo=UTC)
FULL = Whole(
    Part("x", 2),
    (Part("y"), Part("z", 0.5)),
    (3, "three"),
    "b",
    Part("maybe"),
    MOMENT,
    Colour("blue"),
    (("beta", 2.0), ("name", "n"), ("on", True)),
    {"k": Part("w")},
    {4: Part("v")},
)


def there_and_back(record: Any, kind: type) -> Any:
    return decode(kind, json.loads(json.dumps(encode(record), allow_nan=False)))


def test_what_is_written_by_hand():
    assert encode(FULL) == {
        "part": {"name": "x", "size": 2},
        "parts": [{"name": "y", "size": 1.0}, {"name": "z", "size": 0.5}],
        "pair": [3, "three"],
        "kind": "b",
        "maybe": {"name": "maybe", "size": 1.0},
        "moment": "2026-11-28T12:30:15.250000+00:00",
        "colour": "#blue",
        "options": {"beta": 2.0, "name": "n", "on": True},
        "by_name": {"k": {"name": "w", "size": 1.0}},
        "by_size": {"4": {"name": "v", "size": 1.0}},
    }


@pytest.mark.parametrize("record", [FULL, Whole(Part("x"))])
def test_what_is_written_is_what_is_read(record: Whole):
    assert there_and_back(record, Whole) == record


def test_whole_numbers_stay_whole():
    """Identities are hashes of what was written: a 4 that comes back as 4.0 would be another study."""
    assert type(there_and_back(Part("x", 4), Part).size) is int
    assert json.dumps(encode(decode(Part, {"name": "x", "size": 4}))) == '{"name": "x", "size": 4}'


@given(st.lists(st.floats(), max_size=4), st.integers(0, 9999))
def test_numbers_that_are_not_finite_become_null_and_nan(losses: list[float], step: int):
    record = TrainStep(step, math.inf, math.nan, ((), tuple(losses)), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    again = there_and_back(record, TrainStep)
    expected = [loss if math.isfinite(loss) else math.nan for loss in losses]
    assert again.step == step and math.isnan(again.loss) and math.isnan(again.accuracy)
    assert len(again.log_ratio_quantiles[1]) == len(expected)
    for one, other in zip(again.log_ratio_quantiles[1], expected):
        assert one == other or (math.isnan(one) and math.isnan(other))


def test_a_config_keeps_its_identity():
    config = GenerationConfig("tiny", guidance="apg", guidance_scale=4, guidance_params=(("eta", 0.5),))
    assert there_and_back(config, GenerationConfig) == config
    assert there_and_back(config, GenerationConfig).key == config.key


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"part": {}}, "'part' lacks 'name'"),
        ({"part": {"name": 3}}, "'part.name' is a text, not 3"),
        ({"part": {"name": "x", "size": "big"}}, "'part.size' is a number, not 'big'"),
        ({"part": {"name": "x", "size": True}}, "'part.size' is a number, not True"),
        ({"part": {"name": "x", "colour": 1}}, "'part' has no 'colour'; known are name, size"),
        ({"parts": [{"name": "x"}, 3]}, "'parts[1]' is a table of named values, not 3"),
        ({"parts": {}}, "'parts' is a list, not {}"),
        ({"pair": [1]}, "'pair' has 2 parts, not 1"),
        ({"pair": [1.5, ""]}, "'pair[0]' is a whole number, not 1.5"),
        ({"kind": "c"}, "'kind' is one of 'a', 'b', not 'c'"),
        ({"moment": "yesterday"}, "'moment'"),
        ({"moment": 3}, "'moment' is a text, not 3"),
        ({"colour": "blue"}, "'colour' cannot be read (a colour begins with #)"),
        ({"options": [["beta"]]}, "'options[0]' has 2 parts, not 1"),
        ({"by_name": {"k": None}}, "'by_name.k' is a table of named values, not None"),
        ({"by_size": {"four": {"name": "v"}}}, "'by_size.four' is named by a whole number, not 'four'"),
        ({"x" * 200: 1}, "has no"),
    ],
)
def test_nonsense_is_one_sentence(change: dict, said: str):
    with pytest.raises(InputError) as found:
        decode(Whole, {**encode(FULL), **change}, "This is no whole")
    assert str(found.value).startswith("This is no whole: ") and said in str(found.value)
    assert "\n" not in str(found.value)


def test_fields_of_other_versions_are_left_out_where_one_says_so():
    record = {**encode(FULL), "later": 1, "part": {"name": "x", "size": 2, "later": 2}}
    assert decode(Whole, record, spare=True) == FULL
    with pytest.raises(InputError, match="lacks 'part'"):
        decode(Whole, {"later": 1}, spare=True)


def test_pairs_may_come_as_a_list_too():
    assert decode(Whole, {"part": {"name": "x"}, "options": [["beta", 2]]}).options == (("beta", 2),)
