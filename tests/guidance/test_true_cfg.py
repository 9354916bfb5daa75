"""True CFG: numbers by hand; the stock pipeline is the authority in tests/diffusion/test_flow.py."""

from __future__ import annotations

import pytest
import torch

from t2ialign.guidance import begin_guidance, defaults_of, needs_of
from t2ialign.guidance.needs import TellsScale
from t2ialign.types import InputError
from tests.guidance.predictions import predictions


def test_it_combines_two_predictions_and_tells_the_network_another_scale():
    cond, uncond = predictions()
    strategy = begin_guidance("true_cfg", 3.0, [("embedded", 2.5)])
    torch.testing.assert_close(strategy(cond, uncond, 0.5), uncond + 3 * (cond - uncond))
    assert isinstance(strategy, TellsScale) and strategy.embedded == 2.5
    assert not isinstance(begin_guidance("cfg", 3.0), TellsScale)


def test_what_it_is_for():
    assert needs_of("true_cfg").embedded == "both" and defaults_of("true_cfg") == {"embedded": 3.5}
    with pytest.raises(InputError, match="not negative"):
        begin_guidance("true_cfg", 3.0, [("embedded", -1.0)])
