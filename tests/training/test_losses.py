"""The axes joined: what each loss reads, weighs and reports."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from t2ialign.divergences import ForwardKl, JensenShannon, ReverseKl
from t2ialign.objectives import OBJECTIVES
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.log_ratio import denoising_error
from t2ialign.training.losses import DenoisingLoss, LabelledLoss, Loss, PairLoss
from t2ialign.training.regularisers import KlToReference, LoserSafeguard
from tests.training.test_regularisers import evaluation


@pytest.mark.parametrize("divergence", [ReverseKl(), JensenShannon(), ForwardKl()], ids=str)
@pytest.mark.parametrize("name", sorted(set(OBJECTIVES) - {"kto"}))
def test_any_link_goes_with_any_divergence(name: str, divergence):
    seen = evaluation()
    terms = PairLoss(OBJECTIVES[name](), divergence, scale=2.0)(seen)
    (gradient,) = torch.autograd.grad(terms.values.sum(), seen.policy)
    assert terms.values.shape == (3,) and terms.values.isfinite().all() and gradient.abs().max() > 0


def test_diagnostics_are_winners_then_losers():
    seen = evaluation()
    terms = PairLoss(Sigmoid(), ForwardKl(), scale=40.0)(seen)
    gap = denoising_error(seen.policy, seen.target) - denoising_error(seen.reference, seen.target)
    torch.testing.assert_close(terms.error_gap, gap.detach())
    torch.testing.assert_close(terms.log_ratio, -40 * gap.detach())
    assert terms.liked.tolist() == [True] * 3 + [False] * 3
    assert terms.clamped.tolist() == (-40 * gap < -20).tolist() and terms.clamped.any()
    assert not terms.log_ratio.requires_grad


def test_weights_and_penalties():
    seen = evaluation()
    plain = PairLoss(Sigmoid(), scale=1.0)(seen).values
    heavy = replace(seen, batch=replace(seen.batch, weights=torch.tensor([0.0, 1.0, 3.0])))
    torch.testing.assert_close(PairLoss(Sigmoid(), scale=1.0)(heavy).values, plain * torch.tensor([0.0, 1.0, 3.0]))
    penalised = PairLoss(Sigmoid(), scale=1.0, penalties=(KlToReference(2.0),))(seen).values
    win, lose = KlToReference(2.0)(seen).chunk(2)
    torch.testing.assert_close(penalised, plain + (win + lose) / 2)


def test_safeguard_changes_gradients_only():
    seen = evaluation()
    seen = replace(seen, target=torch.zeros_like(seen.target), policy=seen.policy[[0, 1, 2, 0, 1, 2]])
    guarded, plain = (PairLoss(Sigmoid(), scale=1.0, safeguard=guard)(seen) for guard in (LoserSafeguard(), None))
    torch.testing.assert_close(guarded.values, plain.values)
    slopes = [torch.autograd.grad(terms.values.sum(), seen.policy)[0].chunk(2) for terms in (guarded, plain)]
    torch.testing.assert_close(slopes[0][0], slopes[1][0])
    assert slopes[0][1].norm() < slopes[1][1].norm()


def test_labelled_loss_reads_labels():
    """What is liked gets likelier to pay, what is not, less likely: the two signs of one gradient."""
    seen = evaluation()
    labels = torch.arange(6) < 3
    seen = replace(seen, batch=replace(seen.batch, weights=torch.ones(6), desirable=labels))
    terms = LabelledLoss(scale=1.0)(seen)
    slopes = torch.autograd.grad(terms.values.sum(), seen.policy)[0]
    along = (slopes * (seen.policy - seen.target)).sum((1, 2, 3))
    assert ((along > 0) == labels).all() and (terms.liked == labels).all()


def test_denoising_loss_is_the_weighted_error_and_needs_no_reference():
    seen = evaluation()
    weights = torch.arange(6.0)
    alone = replace(seen, batch=replace(seen.batch, weights=weights), reference=None)
    torch.testing.assert_close(DenoisingLoss()(alone).values, weights * denoising_error(seen.policy, seen.target))
    assert not DenoisingLoss().needs_reference and DenoisingLoss((KlToReference(),)).needs_reference


def test_losses_are_losses():
    assert all(isinstance(loss, Loss) for loss in (PairLoss(Sigmoid()), LabelledLoss(), DenoisingLoss()))
