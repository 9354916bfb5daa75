from dataclasses import replace

import pytest

from t2ialign.dashboard.study.design_form import (
    FIELDS,
    design_of,
    more_contenders,
    more_prompts,
    read_contenders,
    read_prompts,
    values_of,
)
from t2ialign.study.design import Contender
from t2ialign.types import InputError, Prompt
from tests.dashboard.studies import DESIGN, PICK, SETS


def fields(design, **change) -> list:
    values = {**values_of(design), **change}
    return [values[name] for name in FIELDS]


@pytest.mark.parametrize("design", [DESIGN, PICK, SETS])
def test_a_design_survives_the_form(design):
    assert design_of(fields(design)) == design


def test_every_field_has_its_box():
    assert list(values_of(DESIGN)) == list(FIELDS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"contenders": "only | base"}, "at least two"),
        ({"contenders": "a | base | x\nb"}, "no number for CFG"),
        ({"contenders": "a | b | 1 | m | more\nb"}, "too many parts"),
        ({"study_prompts": ""}, "prompts"),
        ({"rounds": None}, "number of rounds"),
        ({"rounds": 2.5}, "whole number"),
        ({"rounds": float("nan")}, "whole number"),
        ({"rounds": float("inf")}, "whole number"),
        ({"seeds": "7-0"}, "backwards"),
        ({"checks": 99}, "attention checks"),
    ],
)
def test_a_bad_box_is_named(change, sentence):
    with pytest.raises(InputError, match=sentence):
        design_of(fields(DESIGN, **change))


def test_lines_of_contenders():
    assert read_contenders("a | spo | 2 | clip_score\n\n  b  \nc|x") == (
        Contender("a", "spo", 2.0, "clip_score"),
        Contender("b", "b", 4.0),
        Contender("c", "x", 4.0),
    )


def test_lines_of_prompts():
    assert read_prompts("color | a red | b\n\nplain\n| x | y") == (
        Prompt("a red | b", "color"),
        Prompt("plain"),
        Prompt("x | y"),
    )
    odd = replace(DESIGN, prompts=(Prompt("x | y"), Prompt("<b>markup</b>", "c")))
    assert design_of(fields(odd)) == odd


def test_adding_lines():
    assert more_contenders("", ["a", "b"], "4", []) == "a | a | 4\nb | b | 4"
    assert more_contenders("a | a | 4", ["a"], "2, 4", []) == "a | a | 4\na CFG 2 | a | 2\na CFG 4 | a | 4"
    assert more_contenders("", ["base"], "4", ["clip_score"]) == "clip_score | base | 4 | clip_score"
    assert more_contenders("", ["a@0.5+b@0.5"], "", []) == "a@0.5 & b@0.5 | a@0.5+b@0.5 | 4"
    known = (Prompt("p", "c"), Prompt("q", "c"), Prompt("r", "d"))
    assert more_prompts("c | p", known, [], 1) == "c | p\nd | r"
    assert more_prompts("", known, ["c"], 5) == "c | p\nc | q"
