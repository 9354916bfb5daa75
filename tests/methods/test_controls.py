"""Fields that people set: read from text, checked, and named by what they are."""

from __future__ import annotations

import pytest

from t2ialign.methods import METHODS
from t2ialign.methods.controls import read_values
from t2ialign.training.regularisers import BatchEntropy, KlToReference
from t2ialign.types import InputError


@pytest.mark.parametrize("name", METHODS)
def test_every_default_is_one_that_may_be_said(name: str) -> None:
    for control in METHODS[name].controls():
        assert control.label and (control.kind is not str or control.choices or control.help)
        for value in (control.published, control.embedded):
            assert control.read(value) == value and type(control.read(value)) is control.kind, control.name


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_record_of_itself(name: str) -> None:
    method = METHODS[name]
    assert "?." not in method.citation and method.follows_slope == (name in ("draft", "refl"))
    assert method.name == name and method.summary.endswith(".") and method.arxiv in method.citation
    names = [control.name for control in method.controls()]
    assert len(names) == len(set(names)), "a field of two groups"
    assert (method.loss is None) == (method.data == "reward") == (method.recipe is not None)
    for small in (True, False):
        settings = method.settings(read_values(method.controls(), {}, small))
        made = method.recipe_of(settings) if method.data == "reward" else method.loss_of(settings)
        assert " at 0x" not in repr(made), "a saved run is known by it, and must be found again by another process"


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.loss])
def test_what_holds_a_policy_back_is_what_was_asked_for(name: str) -> None:
    method = METHODS[name]
    assert method.settings({}).penalties == ()
    both = method.settings({"kl_weight": 0.5, "entropy_weight": 0.02})
    assert both.penalties == (KlToReference(0.5), BatchEntropy(0.02))
    assert method.loss(both).penalties == both.penalties


@pytest.mark.parametrize(
    ("field", "said", "sentence"),
    [
        ("betta", "1", "did you mean 'beta'"),
        ("beta", "much", "a number from 0.01 to 100"),
        ("beta", "nan", "a number"),
        ("rank", "2.5", "a whole number"),
        ("adapter", "lara", "did you mean 'lora'"),
        ("match_strength", "perhaps", "on or off"),
    ],
)
def test_bad_values_are_answered_with_a_sentence(field: str, said: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_values(METHODS["f_dpo"].controls(), {field: said}, small=True)


def test_values_come_from_text_and_small_models_have_their_own_defaults() -> None:
    controls = METHODS["f_dpo"].controls()
    values = read_values(controls, {"beta": "2", "match_strength": "no"}, small=True)
    assert values["beta"] == 2.0 and values["match_strength"] is False and values["scale"] == 1000.0
    assert read_values(controls, {}, small=False)["scale"] == 2500.0
