"""Two models' outputs on made-up batches, for the losses of methods."""

from __future__ import annotations

import torch

from t2ialign.diffusion.text import PromptEmbeds
from t2ialign.training.data import TrainBatch
from t2ialign.training.regularisers import Evaluation


def pair_evaluation(seed: int, spread: float, pairs: int = 5) -> Evaluation:
    """Random outputs of policy and reference on pairs (winners, then losers), ``spread`` apart."""
    return _evaluation(seed, spread, 2 * pairs, pairs, None)


def labelled_evaluation(seed: int, spread: float, desirable: list[bool]) -> Evaluation:
    """The same on single pictures with labels."""
    return _evaluation(seed, spread, len(desirable), len(desirable), torch.tensor(desirable))


def _evaluation(seed: int, spread: float, count: int, examples: int, desirable: torch.Tensor | None) -> Evaluation:
    draw = torch.Generator().manual_seed(seed)
    target, reference, change = (torch.randn(count, 4, 3, 3, generator=draw) for _ in range(3))
    embeds = PromptEmbeds(torch.zeros(count, 2, 3), None, ("",) * count)
    batch = TrainBatch(torch.randn(count, 4, 3, 3, generator=draw), embeds, torch.ones(examples), desirable)
    alpha_bar = torch.full((count, 1, 1, 1), 0.5)
    policy = (reference + spread * change).requires_grad_()
    return Evaluation(batch, target, alpha_bar, "epsilon", target, policy, reference)
