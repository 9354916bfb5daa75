"""Which metric stands for an axis while scores are missing."""

from __future__ import annotations

import pytest
import torch

from t2ialign.dashboard.shared.batch_view import metric_of
from t2ialign.types import Prompt, Score
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import BatchState
from t2ialign.use_cases.measures import LeftOut


@pytest.mark.parametrize(
    ("scored", "left_out", "shown"),
    [
        (("clip_score", "ssim"), (), "clip_score"),
        (("ssim", "entropy_1d"), ("clip_score", "u_rke"), "clip_score"),  # the world's oracle was never asked for
        (("ssim",), (), "oracle_alignment"),
        ((), (), "oracle_alignment"),
    ],
)
def test_a_metric_without_weights_stands_for_its_axis_where_nothing_else_does(config, scored, left_out, shown):
    lost = (LeftOut("clip-vit-b-32", left_out, "is not here"),) if left_out else ()
    numbers = torch.ones(2)
    scores = {name: Score(name, "1", "alignment", "image", numbers, 1.0, 1.0, 1.0) for name in scored}
    request = BatchRequest(Prompt("a star"), "base", (0, 1), 4.0)
    batch = BatchState(request, config("base", 4), scores=scores, left_out=lost)
    assert metric_of("alignment", [batch]).name == shown
