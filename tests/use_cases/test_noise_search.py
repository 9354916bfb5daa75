"""DNO on the embedded world: a picture's reward rises, and what cannot be searched is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from t2ialign.diffusion.noise_search import SearchPlan
from t2ialign.source import parse_source
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.noise_search import NoiseRequest, search
from tests.use_cases.aligning import opened

PROMPT = Prompt("a red circle")


@pytest.mark.slow
def test_the_reward_rises(tmp_path: Path) -> None:
    plan = SearchPlan(steps=6, learning_rate=0.05, shuffles=2)
    with opened(tmp_path) as bench:
        request = NoiseRequest(PROMPT, reward=parse_source("style:minimal"), num_inference_steps=3, search=plan)
        found = list(search(bench, request))
        assert found[-1].reward > found[0].reward and found[0].picture.shape == (3, 64, 64)
        again = next(iter(search(bench, request)))
        assert again.reward == found[0].reward


@pytest.mark.slow
def test_bad_requests_are_answered_with_a_sentence(tmp_path: Path) -> None:
    with opened(tmp_path) as bench:
        for request, sentence in (
            (NoiseRequest(PROMPT, reward=parse_source("metric:oracle_alignment")), "has no slope: DNO learns from"),
            (NoiseRequest(PROMPT, checkpoint="nobody"), "nobody"),
            (NoiseRequest(PROMPT, search=SearchPlan(steps=-1)), "0 to 10000 steps"),
        ):
            with pytest.raises(InputError, match=sentence):
                next(iter(search(bench, request)))
