from functools import cache

import gradio as gr
import pytest

from t2ialign.dashboard.align.fields import (
    ASKED,
    all_fields,
    by_name,
    component,
    fields_by_group,
    is_slidable,
    request_from,
    shown,
    told,
)
from t2ialign.dashboard.align.page import VIEW
from t2ialign.dashboard.align.runs import CURVES
from t2ialign.methods import METHODS
from t2ialign.methods.controls import Control
from t2ialign.types import InputError
from t2ialign.use_cases.align.request import AlignRequest, controls

ASKED_FIRST = {"name": "x", "parent": "base", "pairs": "annotator", "steps": 20, "seed": 0}


def defaults(method: str, small: bool = True) -> dict:
    return {**ASKED_FIRST, **{one.name: one.default(small) for one in controls(method)}}


def test_every_field_of_every_method_has_its_place_once():
    names = all_fields()
    assert len(names) == len(set(names)) and not set(names) & set(ASKED)
    assert {one.name for method in METHODS.values() for one in method.controls()} == set(names)
    assert set(fields_by_group()) == {"method", "rollouts", "training", "pictures", "watch"}
    assert not set(names) & {*CURVES, *VIEW}, "a field would take the place of a curve"


@pytest.mark.parametrize("method", METHODS)
def test_a_method_shows_its_own_fields_with_their_defaults(method: str):
    updates, own = shown(method, small=True), {one.name: one for one in controls(method)}
    assert {name for name, update in updates.items() if update["visible"]} == set(own)
    assert all(updates[name]["value"] == control.default(True) for name, control in own.items())
    assert shown(method, small=False)["learning_rate"]["value"] == own["learning_rate"].published


def test_what_only_flows_have_is_shown_of_flows_with_their_numbers():
    asked = ("sde", "noise_level", "sampling_steps")
    of = {kind: shown("grpo", False, kind=kind) for kind in ("diffusion", "flow", "told")}
    assert [of["diffusion"][name].get("visible") for name in asked] == [False, False, True]
    assert [of["flow"][name]["value"] for name in asked] == ["flow_grpo", 0.7, 10]
    assert [of["told"][name]["value"] for name in asked] == ["flow_grpo", 0.9, 6]
    assert of["flow"]["sampling_steps"]["info"].endswith("Published: 10.")
    values = {**defaults("grpo", False), "noise_level": None, "sde": None}
    assert not {"sde", "noise_level"} & dict(request_from("grpo", values, "diffusion").options).keys()
    with pytest.raises(InputError, match="Noise level is empty"):
        request_from("grpo", {**values, "sde": "flow_grpo"}, "flow")


@cache
def every_methods() -> dict[str, list[Control]]:
    """The controls of all methods by their names."""
    found: dict[str, list[Control]] = {}
    for method in METHODS.values():
        for control in method.controls():
            found.setdefault(control.name, []).append(control)
    return found


@pytest.mark.parametrize("name", all_fields())
def test_a_control_takes_every_methods_default(name: str):
    """Gradio refuses values outside of a slider's range, and moves those between its places."""
    with gr.Blocks():
        drawn = component(name)
    for control in every_methods()[name]:
        assert drawn.preprocess(control.default(True)) == control.default(True)
        assert isinstance(drawn, gr.Slider) <= is_slidable(control)


def test_the_published_default_is_marked():
    beta, switch, text = (next(one for one in controls(m) if one.name == n) for m, n in (
        ("diffusion_dpo", "beta"), ("f_dpo", "match_strength"), ("f_dpo", "prompts")))  # fmt: skip
    assert told(beta).endswith("1 to 20,000. Published: 5,000.")
    assert told(switch).endswith("Published: on.") and "Published" not in told(text), (
        "an empty text is no number of a paper"
    )
    watch = next(one for one in controls("f_dpo") if one.group == "watch")
    assert "Published" not in told(watch), "what is measured is ours"


def test_the_form_becomes_a_request():
    request = request_from("f_dpo", {**defaults("f_dpo"), "beta": 2, "name": " dpo_js "})
    assert isinstance(request, AlignRequest) and request.name == "dpo_js" and dict(request.options)["beta"] == 2
    assert set(dict(request.options)) == {one.name for one in controls("f_dpo")}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"steps": None}, "The number of steps must be a whole number from 1 up."),
        ({"steps": 0}, "The number of steps"),
        ({"seed": 0.5}, "The seed must be a whole number"),
        ({"beta": None}, "Beta is empty: fill in a number from 0.01 to 100."),
        ({"beta": 1e9}, "Beta must be a number from 0.01 to 100"),
    ],
)
def test_bad_input_is_one_sentence(changes: dict, complaint: str):
    with pytest.raises(InputError, match=complaint):
        request_from("f_dpo", {**defaults("f_dpo"), **changes})


def test_without_a_method_it_says_so():
    with pytest.raises(InputError, match="Choose a method first"):
        request_from("", {})


def test_values_keep_their_names():
    assert by_name([1, 2], ("a", "b")) == {"a": 1, "b": 2}
    with pytest.raises(ValueError, match="shorter"):
        by_name([1], ("a", "b"))
