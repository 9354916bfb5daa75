from dataclasses import replace

import pytest

from t2ialign.dashboard.study.contender_rows import contenders_of, rows_of
from t2ialign.dashboard.study.design_form import FIELDS, design_of, more_prompts, read_prompts, values_of
from t2ialign.study.design import AnswerRule, Contender
from t2ialign.types import InputError, Prompt
from tests.dashboard.studies import DESIGN, PICK, SETS


def fields(design, **change) -> list:
    values = {**values_of(design), **change}
    return [values[name] for name in FIELDS]


ARENA = replace(PICK, compare="arena", checks=0)
OF_BACKGROUNDS = replace(SETS, answer=AnswerRule("pick", "varied", attribute="background"))


COUNTED = replace(OF_BACKGROUNDS, answer=replace(OF_BACKGROUNDS.answer, counts=True, confidence=True))


def row(**said) -> dict:
    return {"name": "a", "checkpoint": "base", "guidance_scale": 4, "metric": "", **said}


@pytest.mark.parametrize("design", [DESIGN, PICK, SETS, ARENA, OF_BACKGROUNDS, COUNTED])
def test_a_design_survives_the_form(design):
    assert design_of(fields(design)) == design


def test_every_field_has_its_box():
    assert list(values_of(DESIGN)) == list(FIELDS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"contenders": [row()]}, "at least two"),
        ({"contenders": None}, "at least two"),
        (
            {"contenders": [row(), row(name="b", guidance_scale=None)]},
            "Row 2 of what is compared has no number for CFG",
        ),
        ({"contenders": [row(checkpoint=" "), row(name="b")]}, "Row 1 of what is compared has no checkpoint"),
        ({"contenders": [row(guidance_scale="4")]}, "choose its checkpoint and its CFG again"),
        ({"contenders": [row(more=1)]}, "cannot be read"),
        ({"contenders": "a | base"}, "cannot be read"),
        ({"compare": "arena"}, "pick one of two"),
        ({"compare": "arena", "kind": "pick"}, "attention checks"),
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


def test_rows_of_contenders():
    mixed = (Contender("a", "spo", 2.5, "clip_score"), Contender("b | c", "a@0.5+b@0.5"))
    assert contenders_of(rows_of(mixed)) == mixed
    assert rows_of(mixed)[0] == {"name": "a", "checkpoint": "spo", "guidance_scale": 2.5, "metric": "clip_score"}


def test_an_attribute_is_asked_of_variety_alone():
    assert design_of(fields(OF_BACKGROUNDS)).question == "Which set varies more in its background?"
    assert design_of(fields(OF_BACKGROUNDS, aspect="fits")).answer.attribute == ""
    with pytest.raises(InputError, match="a word or a few"):
        design_of(fields(OF_BACKGROUNDS, attribute="x" * 41))


@pytest.mark.parametrize("change", [{"aspect": "fits"}, {"attribute": ""}, {"kind": "rank"}])
def test_what_is_ticked_in_boxes_that_are_not_shown_is_not_asked(change):
    assert design_of(fields(COUNTED)).answer.counts
    found = design_of(fields(COUNTED, **change)).answer
    assert not found.counts and not found.confidence


def test_lines_of_prompts():
    assert read_prompts("color | a red | b\n\nplain\n| x | y") == (
        Prompt("a red | b", "color"),
        Prompt("plain"),
        Prompt("x | y"),
    )
    odd = replace(DESIGN, prompts=(Prompt("x | y"), Prompt("<b>markup</b>", "c")))
    assert design_of(fields(odd)) == odd


def test_adding_lines():
    known = (Prompt("p", "c"), Prompt("q", "c"), Prompt("r", "d"))
    assert more_prompts("c | p", known, [], 1) == "c | p\nd | r"
    assert more_prompts("", known, ["c"], 5) == "c | p\nc | q"
