"""What the loop may be asked for: accepted as meant, or refused with one sentence."""

from __future__ import annotations

import dataclasses

import pytest

from t2ialign.diffusion.inputs import check_config
from t2ialign.types import AdapterUse, GenerationConfig, InputError

CONFIG = GenerationConfig("tiny", height=64, width=96)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"num_inference_steps": 0}, "whole number from 1 to 1000, not 0"),
        ({"num_inference_steps": -3}, "not -3"),
        ({"num_inference_steps": 1001}, "not 1001"),
        ({"height": 60}, "multiples of 8 pixels up to 2048, not 60"),
        ({"width": 0}, "not 0"),
        ({"width": -64}, "not -64"),
        ({"width": 4096}, "not 4096"),
        ({"guidance": "cgf"}, "did you mean 'cfg'"),
        ({"guidance_scale": float("nan")}, "number from 0 to 50, not nan"),
        ({"guidance_scale": float("inf")}, "not inf"),
        ({"guidance_scale": -1.0}, "not -1"),
        ({"guidance_params": (("eta", 1.0),)}, "no parameter 'eta'"),
        ({"negative_prompt": "\x00"}, "negative prompt has a control character"),
        ({"scheduler": "dim"}, "did you mean 'ddim'"),
        ({"guidance": "aig"}, "base is a base itself: choose a trained checkpoint"),
        ({"guidance": "autoguidance", "adapters": (AdapterUse("a", 0.0),)}, "a@0 is a base itself"),
    ],
)
def test_configs_refused(change: dict, says: str):
    with pytest.raises(InputError, match=says):
        check_config(dataclasses.replace(CONFIG, **change), 8)


def test_configs_accepted():
    check_config(CONFIG, 8)
    check_config(dataclasses.replace(CONFIG, num_inference_steps=1000, guidance="interval", guidance_scale=0.0), 4)
    check_config(dataclasses.replace(CONFIG, guidance="aig", adapters=(AdapterUse("a"),)), 8)
