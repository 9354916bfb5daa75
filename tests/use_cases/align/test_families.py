"""The same methods on tiny random models in the layouts of SD-1.5, SD-2.1 with v-prediction, and SDXL."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from t2ialign import settings
from t2ialign.methods import METHODS
from t2ialign.source import parse_source
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.api import run_request
from t2ialign.use_cases.batches.requests import BatchRequest
from tests.tiny import SHAPES, SIDE, save_tiny
from tests.use_cases.aligning import opened, run, short

REGISTRY = """
[backbones.tiny]
family = "{family}"
path = "tiny"
size = {side}
prediction = "{prediction}"

[checkpoints.tiny]
backbone = "tiny"

[scorers]
"""

BY_SLOPE = ("draft", "refl")


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_every_method_trains_every_family(shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    family, prediction = "sdxl" if shape == "sdxl" else "sd", "v_prediction" if shape == "sd-2.1-v" else "epsilon"
    registry = tmp_path / "checkpoints"
    save_tiny(registry / "tiny", shape)
    (registry / "registry.toml").write_text(REGISTRY.format(family=family, side=SIDE, prediction=prediction))
    monkeypatch.setattr(settings, "CHECKPOINTS", registry)
    with opened(tmp_path / "home") as bench:
        judge = "metric:mutual_information"
        for name, method in METHODS.items():
            more = {"reward": "mutual_information", "threshold": 0.0} if name == "gors" else {}
            more |= {"probe_every": 2, "test_prompts": 1} if name == "f_dpo" else {}
            pairs = "" if method.data == "selected" else judge
            if name in BY_SLOPE:
                with pytest.raises(InputError, match="Mutual information has no slope"):
                    run(bench, short(name, name, backbone="tiny", pairs=parse_source(pairs)))
                continue
            states = run(bench, short(name, name, backbone="tiny", pairs=parse_source(pairs), **more))
            assert [state.step.step for state in states if state.step] == [1, 2]
            assert all(math.isfinite(state.step.loss) for state in states if state.step)
            assert states[-1].checkpoint == name
        request = BatchRequest(Prompt("a red circle"), "f_dpo", (0,), num_inference_steps=2, metrics=("ssim",))
        assert run_request(bench, request).config.checkpoint == "f_dpo"
        with pytest.raises(InputError, match="tiny has no annotator"):
            run(bench, short("f_dpo", "none", backbone="tiny", pairs=parse_source("annotator")))
