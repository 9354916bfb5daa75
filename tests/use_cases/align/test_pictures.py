"""Pictures of a policy in training are sampled as those of every other config are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from t2ialign.types import Prompt
from t2ialign.use_cases.align.pictures import sample_policy
from tests.tiny import load_tiny, save_tiny


@pytest.mark.slow
def test_guidance_below_1_is_none_in_later_rounds_too(tmp_path: Path) -> None:
    view = load_tiny(save_tiny(tmp_path / "tiny"))
    first, *others = (sample_policy(view, Prompt("a red circle"), (0,), scale, 1) for scale in (1.0, 0.5, 0.0))
    assert all(batch.config == first.config and torch.equal(batch.images, first.images) for batch in others)
