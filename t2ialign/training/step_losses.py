"""Losses of single denoising steps that a policy took: policy gradients, and preferences between two steps.

A loss is a frozen record of choices and reads ``StepEvaluation`` alone: how likely the steps are to the policy now, to the
policy that drew them, and to the reference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.noise import gaussian_kl, gaussian_log_prob
from t2ialign.divergences import Divergence, ReverseKl
from t2ialign.training.chains import Chain
from t2ialign.training.losses import LossTerms, PairObjective
from t2ialign.training.rollouts import Policy, Replay
from t2ialign.types import PairLogRatios

KlForm = Literal["closed_form", "noise_gap"]


@dataclass(frozen=True)
class StepEvaluation:
    """``n`` transitions (of pairs: all winners, then all losers) of ``b`` examples with their weights.

    ``kl`` is that of the policy's step from the reference's, in closed form; ``noise_gap`` the mean squared difference of
    the two (guided) predictions, of noise or of velocity. All but ``weights`` are means over the latents' elements.
    """

    log_prob: Float[Tensor, " n"]
    old_log_prob: Float[Tensor, " n"]
    reference_log_prob: Float[Tensor, " n"]
    kl: Float[Tensor, " n"]
    noise_gap: Float[Tensor, " n"]
    weights: Float[Tensor, " b"]

    def penalty(self, form: KlForm) -> Float[Tensor, " b"]:
        """The KL of every example, averaged over its transitions."""
        found = self.kl if form == "closed_form" else self.noise_gap
        return found.reshape(-1, len(self.weights)).mean(0)


@runtime_checkable
class StepLoss(Protocol):
    """From how likely steps are to what is to be minimised."""

    def __call__(self, seen: StepEvaluation) -> LossTerms: ...


@dataclass(frozen=True)
class PolicyGradient:
    """Steps of good pictures become likelier: minus advantage times the ratio of new and old probability, plus KL.

    ``clip`` bounds the ratio to 1 - clip .. 1 + clip; ``pessimistic`` takes the worse of the bounded and the free product
    (PPO), else the bounded one counts (DPOK). ``clip`` 0 is the score function -advantage log p, for one update on
    pictures just drawn.
    """

    clip: float = 1e-4
    pessimistic: bool = True
    scale: float = 1.0
    kl_weight: float = 0.0
    kl_form: KlForm = "closed_form"

    def __call__(self, seen: StepEvaluation) -> LossTerms:
        advantage = self.scale * seen.weights
        if self.clip == 0:
            values, clipped = -advantage * seen.log_prob, torch.zeros_like(advantage, dtype=torch.bool)
        else:
            ratio = (seen.log_prob - seen.old_log_prob).exp()
            bounded = ratio.clamp(1 - self.clip, 1 + self.clip)
            values, clipped = -advantage * bounded, bounded != ratio
            if self.pessimistic:
                values = torch.maximum(values, -advantage * ratio)
        if self.kl_weight:
            values = values + self.kl_weight * seen.penalty(self.kl_form)
        return _terms(values, seen, clipped, seen.weights > 0)


@dataclass(frozen=True)
class StepPreference:
    """objective(divergence(log-ratio)) of the two steps of a pair, as D3PO and SPO have it.

    ``clamp`` bounds both ratios policy / reference to 1 - clamp .. 1 + clamp; beyond, a pair teaches nothing more. 0: none.
    """

    objective: PairObjective
    divergence: Divergence = ReverseKl()
    clamp: float = 0.1
    kl_weight: float = 0.0

    def __call__(self, seen: StepEvaluation) -> LossTerms:
        log_ratio = seen.log_prob - seen.reference_log_prob
        bounded = log_ratio
        if self.clamp:
            bounded = log_ratio.clamp(math.log1p(-self.clamp), math.log1p(self.clamp))
        values = seen.weights * self.objective(PairLogRatios(*bounded.chunk(2)).map(self.divergence.score))
        if self.kl_weight:
            values = values + self.kl_weight * seen.penalty("closed_form")
        first = torch.arange(len(log_ratio), device=log_ratio.device) < len(values)
        return _terms(values, seen, bounded != log_ratio, first)


def evaluate_steps(policy: Policy, chain: Chain, part: Replay) -> StepEvaluation:
    """Policy and reference at the transitions; gradients flow through the policy's side alone."""
    device, ways = policy.device, part.after.shape[1]
    before, after = (rows.transpose(0, 1).flatten(0, 1).to(device) for rows in (part.before, part.after))
    places = part.before.shape[1]
    index, rows = (one.to(device).repeat(places) for one in (part.index, part.rows))
    with torch.no_grad():
        base = policy.predict_reference(before, chain.timesteps[index], rows)
    output = policy.predict(before, chain.timesteps[index], rows)
    again = ways // places  # both transitions of a pair may start at one and the same x_t
    mean, base_mean, std, output, base = (
        one.repeat(again, 1, 1, 1)
        for one in (*chain.step(output, before, index)[:1], *chain.step(base, before, index), output, base)
    )
    old = part.log_prob.T.flatten().to(device)
    gap = (output.float() - base.float()).square().mean((1, 2, 3))
    base_log_prob, kl = gaussian_log_prob(after, base_mean, std), gaussian_kl(mean, base_mean, std)
    return StepEvaluation(gaussian_log_prob(after, mean, std), old, base_log_prob, kl, gap, part.weights.to(device))


def _terms(values: Tensor, seen: StepEvaluation, clipped: Tensor, liked: Tensor) -> LossTerms:
    """With the KL of every transition in the place of the gap of errors, which steps do not have."""
    log_ratio = (seen.log_prob - seen.reference_log_prob).detach()
    return LossTerms(values, log_ratio, seen.kl.detach(), clipped, liked)
