"""Training by the slope of a reward: pictures are drawn, and the reward's gradient flows back through their last steps.

The reward must be differentiable to the latents (Xu et al. 2023, ReFL; Clark et al. 2024, DRaFT-K and DRaFT-LV). Nothing is
estimated by chance as in policy gradients; what is cut off are the earlier steps, through which no gradient flows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.denoise import initial_noise
from t2ialign.diffusion.noise import gaussian_kl
from t2ialign.training.chains import Chain
from t2ialign.training.diagnostics import collect
from t2ialign.training.draws import epoch_order
from t2ialign.training.losses import LossTerms
from t2ialign.training.on_policy import Turn
from t2ialign.training.plan import TrainPlan
from t2ialign.training.processes import ALONE
from t2ialign.training.rollouts import Policy, Reward, picture_seed
from t2ialign.training.state import TrainState
from t2ialign.training.train import check_finite

SlopedReward = Callable[[Tensor, int], Tensor]
"""From the latents of one prompt's pictures [n c h w] and the prompt's row to rewards [n], with gradients."""


@dataclass(frozen=True)
class Reached:
    """Pictures that gradients flow to, and the steps on that way: how far policy and reference are apart on each.

    ``gap`` is the mean squared difference of their predictions, with gradients; ``kl`` that of the steps, as if they had
    added noise (eta 1).
    """

    latents: Float[Tensor, "n c h w"]
    gap: Float[Tensor, " n"]
    kl: Float[Tensor, " n"]


@dataclass(frozen=True)
class Walk:
    """One prompt's pictures on their way down the chain; each has its own chance, on the CPU."""

    policy: Policy
    chain: Chain
    row: int
    generators: tuple[torch.Generator, ...]

    def start(self) -> Float[Tensor, "n c h w"]:
        channels, height, width = self.policy.shape
        return initial_noise((channels, height, width), list(self.generators)).to(self.policy.device)

    def predict(self, latents: Tensor, index: int) -> Float[Tensor, "n c h w"]:
        """What the policy sees."""
        return self.policy.predict(latents, *self._at(latents, index))

    def both(self, latents: Tensor, index: int) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n c h w"]]:
        """What the policy sees, and the reference, which comes first: gradient checkpointing evaluates again what is on."""
        base = self.policy.predict_reference(latents.detach(), *self._at(latents, index))
        return self.predict(latents, index), base

    def step(self, output: Tensor, latents: Tensor, index: int) -> Float[Tensor, "n c h w"]:
        """One step on, along the chain's own eta."""
        mean, std = self.chain.step(output, latents, torch.full((len(latents),), index, device=latents.device))
        return mean + std * self.start() if self.chain.noisy else mean

    def down(self, latents: Tensor, first: int, last: int) -> Float[Tensor, "n c h w"]:
        """From before step ``first`` to before step ``last``, without gradients."""
        with torch.no_grad():
            for index in range(first, last):
                latents = self.step(self.predict(latents, index), latents, index)
        return latents

    def apart(
        self, output: Tensor, base: Tensor, latents: Tensor, index: int
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Policy and reference at one step: the gap of their predictions, and the KL of their steps under eta 1."""
        noisy, place = self.chain.in_full(), torch.full((len(latents),), index, device=latents.device)
        (mean, std), (other, _) = (noisy.step(one.detach(), latents.detach(), place) for one in (output, base))
        gap = (output.float() - base.float()).square().mean((1, 2, 3))
        return gap, gaussian_kl(mean, other, std).detach() if bool((std > 0).all()) else gap.detach() * math.nan

    def _at(self, latents: Tensor, index: int) -> tuple[Tensor, Tensor]:
        rows = torch.full((len(latents),), self.row, device=latents.device)
        return self.chain.timesteps[index].expand(len(latents)), rows


@runtime_checkable
class Reach(Protocol):
    """How far back gradients flow from a picture; ``evaluations`` of the policy have gradients, of each picture."""

    @property
    def evaluations(self) -> int: ...

    def __call__(self, walk: Walk, chance: torch.Generator) -> Reached: ...


@dataclass(frozen=True)
class LastSteps:
    """The last ``last`` steps of each picture (DRaFT-K).

    ``again`` times the finished picture is given fresh noise of the last step and that step is taken anew, each time with
    gradients (DRaFT-LV, for ``last`` 1): more slopes for one picture, hence less of their chance.
    """

    last: int = 1
    again: int = 0

    @property
    def evaluations(self) -> int:
        return self.last * max(1, self.again)

    def __call__(self, walk: Walk, chance: torch.Generator) -> Reached:
        steps = len(walk.chain.timesteps)
        first = max(0, steps - self.last)
        latents = walk.down(walk.start(), 0, first)
        ways = [latents]
        if self.again:
            finished = walk.down(latents, first, steps)
            ways = [walk.chain.noised(finished, walk.start(), steps - 1) for _ in range(self.again)]
        found = [self._through(walk, way, first) for way in ways]
        return Reached(*(torch.cat([getattr(one, name) for one in found]) for name in ("latents", "gap", "kl")))

    def _through(self, walk: Walk, latents: Tensor, first: int) -> Reached:
        apart = []
        for index in range(first, len(walk.chain.timesteps)):
            output, base = walk.both(latents, index)
            apart.append(walk.apart(output, base, latents, index))
            latents = walk.step(output, latents, index)
        gap, kl = (torch.stack(parts).mean(0) for parts in zip(*apart, strict=True))
        return Reached(latents, gap, kl)


@dataclass(frozen=True)
class OneStep:
    """The picture that one step sees in its latents, drawn evenly among the last ``window`` steps (ReFL)."""

    window: int = 10

    @property
    def evaluations(self) -> int:
        return 1

    def __call__(self, walk: Walk, chance: torch.Generator) -> Reached:
        steps = len(walk.chain.timesteps)
        at = int(torch.randint(max(0, steps - self.window), steps, (), generator=chance))
        latents = walk.down(walk.start(), 0, at)
        output, base = walk.both(latents, at)
        return Reached(walk.chain.picture(output, latents, at), *walk.apart(output, base, latents, at))


@dataclass(frozen=True)
class GradientRecipe:
    """``pictures`` of each prompt, how far back their gradients flow, and what is minimised.

    That is ``scale`` times the reward's distance below ``enough`` (ReFL; infinite: minus the reward), plus ``kl_weight``
    times the mean squared difference of predictions between policy and reference (DRaFT+). ``eta`` is that of the chain.
    """

    pictures: int
    reach: Reach
    enough: float = math.inf
    scale: float = 1.0
    kl_weight: float = 0.0
    eta: float = 0.0

    def loss(self, reward: Float[Tensor, " n"], gap: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Unknown rewards teach nothing."""
        reward = reward.where(~reward.isnan(), 0.0 if math.isinf(self.enough) else self.enough)
        values = -reward if math.isinf(self.enough) else (self.enough - reward).relu()
        return self.scale * values + self.kl_weight * gap


@dataclass(frozen=True)
class GradientSession:
    """What every step needs; ``reward`` has gradients, ``watch`` measures the same pictures without, for the curves."""

    policy: Policy
    chain: Chain
    reward: SlopedReward
    watch: Reward | None
    prompts: int
    recipe: GradientRecipe
    plan: TrainPlan
    state: TrainState

    def turn(self, step: int) -> Turn:
        rows = epoch_order(self.plan, step, self.prompts).tolist()
        parts: list[LossTerms] = []
        rewards, spreads = [], []
        for number, row in enumerate(rows):
            reached, chance = self._reached(step, number, row)
            found = self.reward(reached.latents, row)
            values = self.recipe.loss(found, reached.gap)
            torch.autograd.backward(self.state.scaler.scale(values.mean() / len(rows)))
            parts.append(_terms(values, reached))
            rewards.append(float(found.detach().nanmean()))
            spreads.append(self._spread(reached.latents.detach(), row, chance))
        whole = collect(parts, ALONE)
        norm = self.state.gradient_norm(self.plan.grad_clip, ALONE)
        check_finite(whole.loss, norm, self.plan, step)
        self.state.update(self.plan, step)
        reward, spread = (float(torch.tensor(one).nanmean()) for one in (rewards, spreads))
        return Turn(whole, norm, reward, spread, len(self.chain.timesteps) * float(whole.rows[:, 1].mean()))

    def _reached(self, step: int, number: int, row: int) -> tuple[Reached, tuple[int, ...]]:
        seeds = tuple(picture_seed(self.plan.seed, step, number, member) for member in range(self.recipe.pictures))
        generators = tuple(torch.Generator().manual_seed(seed) for seed in seeds)
        chance = torch.Generator().manual_seed(picture_seed(self.plan.seed, step, -1, number))
        return self.recipe.reach(Walk(self.policy, self.chain, row, generators), chance), seeds

    def _spread(self, latents: Tensor, row: int, seeds: tuple[int, ...]) -> float:
        """The diversity of a prompt's pictures; of DRaFT-LV's, of the first time that each was finished."""
        return math.nan if self.watch is None else self.watch(latents[: len(seeds)], row, seeds).diversity


def _terms(values: Tensor, reached: Reached) -> LossTerms:
    """With the KL of every step in the place of the gap of errors, as in ``step_losses``."""
    nothing = torch.zeros_like(reached.kl)
    return LossTerms(values.detach(), nothing, reached.kl, nothing.bool(), ~nothing.bool())
