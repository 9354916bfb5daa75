import math
from dataclasses import replace

import pytest

from t2ialign.dashboard.explore.form import Form, form_of, requests_of
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches.score_batch import stored_state
from tests.dashboard import fakes

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
