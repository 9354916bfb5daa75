"""The loop of methods that learn from what they draw: draw, mark, and make what was good likelier; a generator of steps."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from t2ialign.training.chains import Chain, noise_share
from t2ialign.training.critic import Critic, CriticPlan
from t2ialign.training.diagnostics import StepFindings, collect, train_step
from t2ialign.training.draws import epoch_order
from t2ialign.training.experience import Collector, Drawing, Experience
from t2ialign.training.plan import TrainPlan
from t2ialign.training.processes import ALONE
from t2ialign.training.rollouts import Policy, Replay, Reward
from t2ialign.training.state import TrainState
from t2ialign.training.step_losses import StepLoss, evaluate_steps
from t2ialign.training.train import SAVE_SECONDS, check_finite
from t2ialign.types import TrainStep


@dataclass(frozen=True)
class Recipe:
    """How a step learns: what is drawn, by which loss, in how many updates of the weights, each example ``passes`` times.

    ``critic`` is for rewards that a value network makes into advantages. ``by_noise`` weighs each transition by the noise
    that its step adds (He et al., TempFlow-GRPO): the gradient of a step's likelihood grows as that noise shrinks, so that
    without it the last steps, which decide least, drown the others.
    """

    collector: Collector
    loss: StepLoss
    updates: int = 1
    passes: int = 1
    critic: CriticPlan | None = None
    by_noise: bool = False

    @property
    def pictures(self) -> int:
        """Of each prompt."""
        return self.collector.pictures


@dataclass(frozen=True)
class Turn:
    """What one step found: its losses, the norm of its gradients, and what its pictures were worth.

    ``kl`` is that of the policy's whole path from the reference's, in nats a latent value.
    """

    found: StepFindings
    norm: float
    reward: float
    diversity: float
    kl: float


@runtime_checkable
class Learner(Protocol):
    """A run whose every step draws from the policy and changes it."""

    @property
    def plan(self) -> TrainPlan: ...

    @property
    def state(self) -> TrainState: ...

    def turn(self, step: int) -> Turn:
        """One step, by seed and number alone."""


@dataclass(frozen=True)
class OnPolicySession:
    """What every step needs; ``prompts`` is their number, ``folder`` for what has no room in memory.

    An update evaluates its examples in ``parts``, one after the other, which only saves memory. A ``critic`` also has to be in
    the ``state``, which keeps it.
    """

    policy: Policy
    chain: Chain
    reward: Reward
    prompts: int
    recipe: Recipe
    plan: TrainPlan
    state: TrainState
    parts: int = 1
    folder: Path | None = None
    critic: Critic | None = None

    def turn(self, step: int) -> Turn:
        drawn = self.draw(step)
        found, norm = self.learn(drawn.replay, step)
        kl = self.chain.noisy * float(found.rows[:, 1].mean())
        return Turn(found, norm, drawn.reward, drawn.diversity, kl)

    def draw(self, step: int) -> Experience:
        """The pictures of a step, from seed and step alone: ``plan.batch`` groups, each prompt once an epoch."""
        rows = epoch_order(self.plan, step, self.prompts).tolist()
        drawing = Drawing(self.policy, self.chain, self.reward, rows, self.plan.seed, step, self.folder)
        drawn = self.recipe.collector.collect(drawing)
        replay = drawn.replay
        if self.critic is not None:
            replay = self.critic.judged(replay, self.plan.seed * 1_000_003 + step)
        if self.recipe.by_noise:
            replay = replace(replay, weights=replay.weights * noise_share(self.chain).cpu()[replay.index])
        return replace(drawn, replay=replay)

    def learn(self, replay: Replay, step: int) -> tuple[StepFindings, float]:
        """All updates of a step; what the first one found, where the policy still is the one that drew, and the norm."""
        first: tuple[StepFindings, float] | None = None
        for turn in range(self.recipe.passes):
            rng = torch.Generator().manual_seed((self.plan.seed * 1_000_003 + step) * 101 + turn)
            order = torch.randperm(len(replay), generator=rng)
            for rows in order.tensor_split(min(self.recipe.updates, len(order))):
                found = self.update(replay, rows, step)
                first = first or found
        assert first is not None, "a step has at least one update"
        return first

    def update(self, replay: Replay, chosen: Int[Tensor, " b"], step: int) -> tuple[StepFindings, float]:
        """One update of the weights, on the chosen examples."""
        terms, count = [], len(chosen)
        for rows in chosen.tensor_split(min(self.parts, count)):
            found = self.recipe.loss(evaluate_steps(self.policy, self.chain, replay.take(rows)))
            torch.autograd.backward(self.state.scaler.scale(found.values.sum() / count))
            terms.append(found.detach())
        whole = collect(terms, ALONE)
        norm = self.state.gradient_norm(self.plan.grad_clip, ALONE)
        check_finite(whole.loss, norm, self.plan, step)
        self.state.update(self.plan, step)
        return whole, norm


def train_on_policy(session: Learner, state_path: Path | None = None) -> Generator[TrainStep, None, None]:
    """Trains the policy's parameters; yields every finished step, as ``train.train`` does, and resumes as it does.

    A step's chance comes from seed and step alone, so that a run that was killed draws the pictures of the step that it
    was at once more, the same ones. ``InputError`` where the loss is no number.
    """
    plan, state = session.plan, session.state
    saved = time.monotonic()
    for step in range(state.begin(state_path, ALONE), plan.steps):
        started = time.perf_counter()
        turn = session.turn(step)
        late = time.monotonic() - saved > SAVE_SECONDS
        done, saving = step + 1, bool(plan.save_every) and (late or (step + 1) % plan.save_every == 0)
        record = train_step(done, turn.found, turn.norm, plan.rate(step), time.perf_counter() - started)
        try:
            with state.showing_average():
                yield _with_pictures(record, turn)
        except GeneratorExit:
            state.save(state_path, done, ALONE)
            raise
        if saving or done == plan.steps:
            state.save(state_path, done, ALONE)
            saved = time.monotonic()
    state.finish()


def _with_pictures(record: TrainStep, turn: Turn) -> TrainStep:
    """What the step's pictures were worth, and how far the policy's paths are from the reference's."""
    found = replace(record, error_win=math.nan, error_lose=math.nan)
    return replace(found, reward=turn.reward, diversity=turn.diversity, kl=turn.kl)
