import math
from dataclasses import replace

import pytest

from t2ialign.dashboard.explore.form import Form, cost_of, form_of, requests_of
from t2ialign.guidance import needs_of
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches.score_batch import config_of, stored_state
from tests.dashboard import fakes

SMALL_STEP = dict(needs_of("attend_excite").small)["step_size"]
FORM = Form("a red circle and a blue square", ("base", "spo"), first_seed=3, seed_count=4)


def test_a_form_becomes_one_request_a_checkpoint(services):
    requests = requests_of(FORM, services)
    assert [request.checkpoint for request in requests] == ["base", "spo"]
    assert {request.seeds for request in requests} == {(3, 4, 5, 6)}


def test_a_known_prompt_keeps_its_category(services):
    known = next(prompt for prompt in services.prompts["shapes-test"] if prompt.category == "color")
    assert requests_of(replace(FORM, prompt=f" {known.text} "), services)[0].prompt == known


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prompt": "  "}, "prompt is empty"),
        ({"prompt": "a\x00ring"}, "control character"),
        ({"checkpoints": ()}, "one to 4 checkpoints"),
        ({"checkpoints": ("a", "b", "c", "d", "e")}, "one to 4 checkpoints"),
        ({"guidance_scale": None}, "CFG.* is empty"),
        ({"seed_count": 1}, "choose 2 to 64"),
        ({"seed_count": 65}, "choose 2 to 64"),
        ({"seed_count": 2.5}, "whole number"),
        ({"first_seed": -1}, "from 0 to"),
        ({"first_seed": 2**40}, "from 0 to"),
        ({"first_seed": None}, "first seed is empty"),
        ({"steps": math.inf}, "whole number"),
        ({"guidance": "cads", "guidance_params": "tau1"}, "'tau1' is no parameter of guidance cads"),
        ({"guidance": "cads", "guidance_params": "tau1=0.95"}, "tau1 < tau2"),
    ],
)
def test_bad_input_is_one_sentence(services, change: dict, sentence: str):
    with pytest.raises(InputError, match=sentence) as caught:
        requests_of(replace(FORM, **change), services)
    assert "\n" not in str(caught.value)


def test_a_shown_batch_fills_the_form(services, config):
    batch = fakes.add_cell(services.store, Prompt("a ring"), config("spo", 2.5, num_inference_steps=7), (5, 6, 7))
    state = stored_state(services.bench, batch.prompt, batch.config, batch.seeds)
    form = Form("a ring", ("spo",), 2.5, 5, 3, 7)
    assert form_of([state]) == form
    assert requests_of(form, services)[0].seeds == batch.seeds
    assert form.values()["checkpoints"] == ["spo"]


def test_a_strategy_with_its_parameters_goes_both_ways(services, config):
    """What equals the defaults is left out of a request and shown in the form."""
    asked = replace(FORM, guidance="cads", guidance_params="noise_scale=0.1, tau1=0.6")
    assert requests_of(asked, services)[0].guidance_params == (("noise_scale", 0.1),)
    changed = config("spo", guidance="cads", guidance_params=(("noise_scale", 0.1),))
    batch = fakes.add_cell(services.store, Prompt("a ring"), changed, (5, 6, 7))
    form = form_of([stored_state(services.bench, batch.prompt, batch.config, batch.seeds)])
    assert (form.guidance, form.guidance_params) == ("cads", "noise_scale=0.1, tau1=0.6, tau2=0.9, mixing=1")
    assert requests_of(form, services)[0].guidance_params == changed.guidance_params


@pytest.mark.parametrize(("said", "shown"), [("", SMALL_STEP), ("step_size=20", 20.0), ("step_size=3", 3.0)])
def test_a_default_of_small_pictures_goes_both_ways(services, said: str, shown: float):
    """A shown batch says the step that it was made with, and asks for the same pictures again."""
    asked = replace(FORM, checkpoints=("base",), guidance="attend_excite", guidance_params=said)
    made = config_of(services.bench, requests_of(asked, services)[0])[1]
    batch = fakes.add_cell(services.store, Prompt("a ring"), made, (5, 6, 7))
    state = stored_state(services.bench, batch.prompt, batch.config, batch.seeds)
    assert f"step_size={shown:g}," in form_of([state]).guidance_params
    for request in (state.request, requests_of(form_of([state]), services)[0]):
        assert config_of(services.bench, request)[1] == made


def test_pictures_made_together_are_asked_for_without_saying_which(services, config):
    """The batch that a shown run names is not carried to other seeds."""
    together = replace(config("spo"), guidance="latent_particle", guidance_params=(("batch", 3.0),))
    batch = fakes.add_cell(services.store, Prompt("a ring"), together, (5, 6, 7))
    form = form_of([stored_state(services.bench, batch.prompt, batch.config, batch.seeds)])
    assert "batch" not in form.guidance_params
    assert requests_of(replace(form, seed_count=8), services)[0].guidance_params == ()


@pytest.mark.parametrize(
    ("guidance", "says"),
    [
        ("cfg", "2 evaluations of the model a step."),
        ("aig", "4 evaluations of the model a step. For trained checkpoints only."),
        ("latent_particle", "2 evaluations of the model a step. A picture depends on all seeds of its batch."),
        (
            "attend_excite",
            "3 evaluations of the model a step. One of them with its gradient, for the first half of the steps; three steps "
            "may take up to 21 more.",
        ),
    ],
)
def test_what_a_strategy_costs_is_said(guidance: str, says: str):
    assert cost_of(guidance) == says
