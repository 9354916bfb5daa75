from __future__ import annotations

import torch

from t2ialign.metrics.oracle_alignment import oracle_alignment


def test_share_of_claims():
    claims = torch.tensor([[1.0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])
    torch.testing.assert_close(oracle_alignment({"claims": claims}), torch.tensor([0.75, 0, 1]))
