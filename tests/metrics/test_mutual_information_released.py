from __future__ import annotations

import math

import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import score_features


def test_reads_what_the_sampling_loop_measured():
    values = torch.tensor([1.0, 4.0, math.nan, 7.0])
    score = score_features(METRICS["mutual_information_released"], {"mutual_information_released": values})
    torch.testing.assert_close(score.values, values, equal_nan=True)
    assert score.mean == 4.0
