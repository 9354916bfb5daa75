from __future__ import annotations

import json
from dataclasses import replace

import pytest

from t2ialign.codec import decode, encode
from t2ialign.registry import resolve
from t2ialign.settings import DATA
from t2ialign.study.design import AnswerRule, Contender, Pictures, StudyDesign, checked, from_toml, to_toml
from t2ialign.types import InputError, Prompt

SMALL = """
title = "Which is better?"
compare = "methods"
[answer]
kind = "pick"
[pictures]
seeds = "0-3"
[prompts]
color = ["a red circle", "<b>bold</b> & \\"quoted\\" = text"]
"" = ["uncategorised"]
[[contenders]]
name = "base"
[[contenders]]
name = "tuned"
checkpoint = "mi_tune@0.5"
guidance_scale = 2
"""


def design(**fields: object) -> StudyDesign:
    made = StudyDesign("t", (Contender("a"), Contender("b"), Contender("c")), (Prompt("p", "x"), Prompt("q", "y")))
    return replace(made, **fields)


def test_toml_is_read_with_defaults():
    found = from_toml(SMALL)
    assert found.pictures.seeds == (0, 1, 2, 3)
    assert found.contenders[1] == Contender("tuned", "mi_tune@0.5", 2)
    assert found.prompts[1] == Prompt('<b>bold</b> & "quoted" = text', "color")
    assert found.categories == ("color", "")
    assert found.shown == 2
    assert found.groups == ("everyone",)


@pytest.mark.parametrize("name", ["two_tastes", "whose_taste"])
def test_shipped_designs_name_checkpoints_that_exist(name: str):
    shipped = from_toml((DATA / "studies" / f"{name}.toml").read_text(encoding="utf-8"))
    for contender in checked(shipped).contenders:
        resolve(contender.checkpoint)


def test_toml_and_json_round_trip():
    found = from_toml(SMALL)
    assert from_toml(to_toml(found)) == found
    assert decode(StudyDesign, json.loads(json.dumps(encode(found)))) == found
    assert from_toml(to_toml(found)).key == found.key
    assert replace(found, rounds=3).key != found.key


def test_question_follows_kind_and_aspect():
    assert "varied" in design(compare="sets", answer=AnswerRule("pick", "varied")).question
    assert design(answer=AnswerRule(question="Well?")).question == "Well?"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title": " "}, "title"),
        ({"contenders": (Contender("a"),)}, "at least two"),
        ({"contenders": (Contender("a"), Contender("a"))}, "name of its own"),
        ({"contenders": (Contender("a+b"), Contender("c"))}, "plus sign"),
        ({"prompts": ()}, "prompts"),
        ({"prompts": (Prompt("p"), Prompt("p"))}, "each once"),
        ({"compare": "metrics"}, "metric of each"),
        ({"compare": "colours"}, "metrics, methods, sets"),
        ({"rounds": 0}, "rounds"),
        ({"checks": 11}, "attention checks"),
        ({"target": 0}, "at least 1"),
        ({"groups": ()}, "group"),
        ({"groups": ("a", "a")}, "group"),
        ({"answer": AnswerRule(kind="shout")}, "select, pick, rank"),
        ({"answer": AnswerRule(shown=4)}, "between 2 and 3"),
        ({"answer": AnswerRule(shown=2, most=3)}, "at most 1 to 2"),
        ({"answer": AnswerRule(aspect="varied")}, "compare sets"),
        ({"pictures": Pictures(seeds=())}, "seeds"),
        ({"pictures": Pictures(seeds=(1, 1))}, "seeds"),
        ({"compare": "sets", "pictures": Pictures(seeds=(1, 2), set_size=3)}, "A set has"),
    ],
)
def test_bad_designs_are_refused_in_a_sentence(fields: dict, said: str):
    checked(design())
    with pytest.raises(InputError, match=said):
        checked(design(**fields))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "not valid TOML"),
        ('title = "t"', "it lacks 'prompts'"),
        ('prompts = "a ring"', "'prompts' is a table of named values, not 'a ring'"),
        (SMALL.replace("compare =", "compares ="), "compares"),
        (SMALL.replace('"pick"', "3"), "'answer.kind' is a text, not 3"),
        (SMALL.replace('"pick"', '"shout"'), "'kind' is one of"),
        ("rounds = 2.5" + SMALL, "'rounds' is a whole number"),
        ("rounds = true" + SMALL, "'rounds' is a whole number"),
        (SMALL.replace('name = "base"', ""), r"'contenders\[0\]' lacks 'name'"),
        (SMALL.replace('["a red circle"', '[3, "a red circle"'), r"'prompts.color\[0\]' is a text, not 3"),
        (SMALL.replace('"0-3"', '"zero"'), "[Ss]eed"),
        (SMALL.replace('"0-3"', "[1.5]"), r"'pictures.seeds\[0\]' is a whole number, not 1.5"),
    ],
)
def test_bad_toml_is_refused_in_a_sentence(text: str, said: str):
    with pytest.raises(InputError, match=said):
        from_toml(text)


COUNTED = AnswerRule("pick", "varied", attribute="background", counts=True, confidence=True)
OF_SETS = {"compare": "sets", "pictures": Pictures(seeds=8, set_size=4)}


def test_counts_and_confidence_are_asked_of_one_attribute_of_two_sets():
    asked = checked(design(answer=COUNTED, **OF_SETS))
    assert asked.count_question == "How many different kinds of background does each set show?"
    assert from_toml(to_toml(asked)).answer == COUNTED
    for change in ({"kind": "rank"}, {"kind": "select"}, {"aspect": "fits", "attribute": ""}, {"attribute": ""}):
        for name, said in (("counts", "count kinds of one attribute"), ("confidence", "say how sure they are")):
            odd = replace(AnswerRule("pick", "varied", attribute="background", **{name: True}), **change)
            with pytest.raises(InputError, match=f"{said}.*name the attribute"):
                checked(design(answer=odd, **OF_SETS))


def test_designs_that_do_not_ask_are_written_as_ever():
    plain = design(answer=replace(COUNTED, counts=False, confidence=False), **OF_SETS)
    assert set(encode(plain.answer)) == {"kind", "aspect", "question", "shown", "most", "attribute"}
    assert plain.count_question == ""
