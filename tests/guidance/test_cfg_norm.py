"""CFG that keeps lengths: the very lines of diffusers' pipeline on packed rows, and numbers by hand."""

from __future__ import annotations

import pytest
import torch
from diffusers import QwenImagePipeline

from t2ialign.guidance import begin_guidance, defaults_of
from t2ialign.types import InputError
from tests.guidance.predictions import predictions


def packed(cells: torch.Tensor) -> torch.Tensor:
    return QwenImagePipeline._pack_latents(cells, *cells.shape)


def test_it_is_what_the_pipeline_does_to_packed_rows():
    cond, uncond = predictions()
    rows, none = packed(cond), packed(uncond)
    guided = none + 3.0 * (rows - none)
    expected = guided * (torch.norm(rows, dim=-1, keepdim=True) / torch.norm(guided, dim=-1, keepdim=True))
    assert torch.equal(packed(begin_guidance("cfg_norm", 3.0)(cond, uncond, 0.5)), expected)


def test_lengths_are_the_conditional_predictions_and_1_is_no_guidance():
    cond = torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)
    uncond = torch.tensor([0.0, 1.0]).reshape(1, 2, 1, 1)
    found = begin_guidance("cfg_norm", 3.0, [("patch", 1.0)])(cond, uncond, 0.5).flatten()
    torch.testing.assert_close(found, torch.tensor([9.0, 10.0]) * 5 / 181**0.5)
    cond, uncond = predictions()
    torch.testing.assert_close(begin_guidance("cfg_norm", 1.0)(cond, uncond, 0.5), cond)
    assert defaults_of("cfg_norm") == {"patch": 2}


def test_squares_that_do_not_fit_are_refused():
    cond, uncond = predictions()
    with pytest.raises(InputError, match="no squares of 3"):
        begin_guidance("cfg_norm", 3.0, [("patch", 3.0)])(cond, uncond, 0.5)
    for patch in (0.0, 1.5):
        with pytest.raises(InputError, match="whole number of latent cells"):
            begin_guidance("cfg_norm", 3.0, [("patch", patch)])
