from __future__ import annotations

import torch

from t2ialign.metrics.oracle_exact import oracle_exact


def test_only_all_claims_count():
    claims = torch.tensor([[1.0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])
    torch.testing.assert_close(oracle_exact({"claims": claims}), torch.tensor([0.0, 0, 1]))
