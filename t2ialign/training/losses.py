"""The axes joined into one loss for each kind of data. A loss is a frozen record of choices; its repr identifies it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from t2ialign.divergences import Divergence, ReverseKl
from t2ialign.objectives.kto import Kto
from t2ialign.training.log_ratio import PUBLISHED_SCALE, denoising_error, surrogate_log_ratio
from t2ialign.training.regularisers import Evaluation, LoserSafeguard, Penalty
from t2ialign.types import LabelledLogRatios, PairLogRatios

PairObjective = Callable[[PairLogRatios], Tensor]


@dataclass(frozen=True)
class LossTerms:
    """What a loss found on one batch: ``values`` to minimise, one an example, weights and penalties included.

    The rest is for the diagnostics, one a picture (pairs: winners, then losers) and without gradients: the log-ratio,
    the policy's error minus the reference's, whether the divergence's score was continued as a line, whether the picture
    is on the liked side. Empty tensors where there is no reference.
    """

    values: Float[Tensor, " b"]
    log_ratio: Float[Tensor, " n"]
    error_gap: Float[Tensor, " n"]
    clamped: Bool[Tensor, " n"]
    liked: Bool[Tensor, " n"]

    def detach(self) -> LossTerms:
        return replace(self, values=self.values.detach())


@runtime_checkable
class Loss(Protocol):
    """From the two models' outputs to a loss. ``needs_reference``: whether the reference must be evaluated at all."""

    @property
    def needs_reference(self) -> bool: ...

    def __call__(self, seen: Evaluation) -> LossTerms: ...


@dataclass(frozen=True)
class PairLoss:
    """objective(divergence(log-ratio)) of pairs: every paired method of the house is one of these.

    ``scale`` is the surrogate's (``log_ratio.scale_of`` translates published betas).
    """

    objective: PairObjective
    divergence: Divergence = ReverseKl()
    scale: float = PUBLISHED_SCALE
    penalties: tuple[Penalty, ...] = ()
    safeguard: LoserSafeguard | None = None

    @property
    def needs_reference(self) -> bool:
        return True

    def __call__(self, seen: Evaluation) -> LossTerms:
        policy = seen.policy if self.safeguard is None else self.safeguard(seen.policy, seen.target)
        return self.of_errors(seen, denoising_error(policy, seen.target), denoising_error(seen.base, seen.target))

    def of_errors(self, seen: Evaluation, error: Tensor, reference_error: Tensor) -> LossTerms:
        """The loss of the policy's and the reference's errors, one a picture, however they were measured."""
        log_ratio = surrogate_log_ratio(error, reference_error, self.scale)
        values = self.objective(PairLogRatios(*log_ratio.chunk(2)).map(self.divergence.score))
        values = seen.batch.weights * values + sum_penalties(self.penalties, seen)
        liked = torch.arange(len(log_ratio), device=log_ratio.device) < len(values)
        return terms(values, log_ratio, error - reference_error, self.divergence, liked)


@dataclass(frozen=True)
class PerceivedPairLoss:
    """A loss of pairs with errors that are measured among the states of the UNet's encoder, one step on (NCPPO)."""

    pairs: PairLoss

    @property
    def needs_reference(self) -> bool:
        return self.pairs.needs_reference

    @property
    def penalties(self) -> tuple[Penalty, ...]:
        return self.pairs.penalties

    def __call__(self, seen: Evaluation) -> LossTerms:
        if seen.perceive is None:
            raise ValueError("A transformer has no encoder to see with.")
        with torch.no_grad():
            target, base = seen.perceive(seen.target), seen.perceive(seen.base)
        return self.pairs.of_errors(
            seen, denoising_error(seen.perceive(seen.policy), target), denoising_error(base, target)
        )


@dataclass(frozen=True)
class LabelledLoss:
    """KTO's loss of single pictures with labels, with any divergence's score of the log-ratio."""

    objective: Kto = Kto()
    divergence: Divergence = ReverseKl()
    scale: float = PUBLISHED_SCALE
    penalties: tuple[Penalty, ...] = ()

    @property
    def needs_reference(self) -> bool:
        return True

    def __call__(self, seen: Evaluation) -> LossTerms:
        error, reference_error = denoising_error(seen.policy, seen.target), denoising_error(seen.base, seen.target)
        log_ratio = surrogate_log_ratio(error, reference_error, self.scale)
        ratios = LabelledLogRatios(log_ratio, seen.batch.labels)
        values = seen.batch.weights * self.objective(ratios.map(self.divergence.score))
        values = values + sum_penalties(self.penalties, seen)
        return terms(values, log_ratio, error - reference_error, self.divergence, seen.batch.labels)


@dataclass(frozen=True)
class DenoisingLoss:
    """weight times the plain denoising error (MI-TUNE with weights 1, GORS with rewards): imitation, no reference."""

    penalties: tuple[Penalty, ...] = ()

    @property
    def needs_reference(self) -> bool:
        return any(penalty.needs_reference for penalty in self.penalties)

    def __call__(self, seen: Evaluation) -> LossTerms:
        values = seen.batch.weights * denoising_error(seen.policy, seen.target)
        none = values.new_zeros(0)
        return LossTerms(values + sum_penalties(self.penalties, seen), none, none, none.bool(), none.bool())


@dataclass(frozen=True)
class ScorePreferenceLoss:
    """DSPO: the winner's error, from which beta (1 - sigmoid(u)) of the policy's way from the reference is taken off.

    u = -(beta / 2) times Diffusion-DPO's difference of errors; as published, the gradient flows through u too.
    """

    beta: float = 0.001
    penalties: tuple[Penalty, ...] = ()

    @property
    def needs_reference(self) -> bool:
        return True

    def __call__(self, seen: Evaluation) -> LossTerms:
        error, reference_error = denoising_error(seen.policy, seen.target), denoising_error(seen.base, seen.target)
        log_ratio = surrogate_log_ratio(error, reference_error, self.beta / 2)
        win, lose = log_ratio.chunk(2)
        push = self.beta * (lose - win).sigmoid()[:, None, None, None]
        gap, way = ((seen.policy - other).float().chunk(2)[0] for other in (seen.target, seen.base))
        values = seen.batch.weights * (gap - push * way).square().mean((1, 2, 3))
        liked = torch.arange(len(log_ratio), device=log_ratio.device) < len(values)
        whole = values + sum_penalties(self.penalties, seen)
        return terms(whole, log_ratio, error - reference_error, ReverseKl(), liked)


@dataclass(frozen=True)
class HardNegativeLoss:
    """HN-ITM: the winner's error minus the loser's, as long as the loser's is below ``factor`` times the winner's."""

    factor: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    @property
    def needs_reference(self) -> bool:
        return any(penalty.needs_reference for penalty in self.penalties)

    def __call__(self, seen: Evaluation) -> LossTerms:
        win, lose = denoising_error(seen.policy, seen.target).chunk(2)
        bound = self.factor * win.detach()
        values = seen.batch.weights * (win - torch.minimum(lose, bound))
        none = values.new_zeros(0)
        return LossTerms(values + sum_penalties(self.penalties, seen), none, none, none.bool(), none.bool())


def sum_penalties(penalties: tuple[Penalty, ...], seen: Evaluation) -> Float[Tensor, " b"]:
    """The penalties of every example, averaged over its pictures."""
    total = seen.policy.new_zeros(len(seen.policy)) + sum(penalty(seen) for penalty in penalties)
    return total.reshape(seen.batch.pictures, -1).mean(0)


def terms(
    values: Float[Tensor, " b"],
    log_ratio: Float[Tensor, " n"],
    error_gap: Float[Tensor, " n"],
    divergence: Divergence,
    liked: Bool[Tensor, " n"],
) -> LossTerms:
    """``LossTerms`` with the diagnostics cut off from the gradient."""
    log_ratio = log_ratio.detach()
    return LossTerms(values, log_ratio, error_gap.detach(), log_ratio < divergence.floor, liked)
