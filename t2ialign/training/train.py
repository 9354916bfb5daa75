"""The one training loop, as a generator of finished steps."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.backbone import Backbone
from t2ialign.training.data import TrainData
from t2ialign.training.diagnostics import StepFindings, collect, train_step
from t2ialign.training.draws import Draw, draw_step
from t2ialign.training.evaluate import alpha_bars, evaluate
from t2ialign.training.losses import Loss, LossTerms
from t2ialign.training.memory import saying_what_fits
from t2ialign.training.plan import TrainPlan, check_plan
from t2ialign.training.processes import ALONE, Processes
from t2ialign.training.state import TrainState, begin_state
from t2ialign.types import InputError, TrainStep

SAVE_SECONDS = 120.0  # steps may be long: no more than this is lost


def train(
    policy: Backbone,
    data: TrainData,
    loss: Loss,
    plan: TrainPlan,
    state_path: Path | None = None,
    processes: Processes = ALONE,
) -> Generator[TrainStep, None, None]:
    """Trains the adapter that ``policy`` (a view of ``adapters.add_adapter``) has on; yields every finished step.

    The reference is the same UNet without adapters. While the caller holds a step, the adapter has the weights that
    would ship (the averaged ones with ``plan.ema``): generate with ``policy`` or save it, but do not change it. With
    ``state_path`` the run is written there at its start, every ``save_every`` steps or two minutes, at its end and when the
    caller closes the generator; the same call then goes on from there, bit for bit (fp32, one device). ``InputError`` where
    the plan cannot be, memory does not suffice, or the loss is no number; what was saved last is kept.
    """
    schedule = alpha_bars(policy)
    check_plan(plan, len(data), processes.count, len(schedule))
    state = begin_state(policy, data, loss, plan)
    session = TrainingSession(policy, data, loss, plan, schedule, state)
    saved = time.monotonic()
    for step in range(state.begin(state_path, processes), plan.steps):
        started = time.perf_counter()
        found = session.learn(draw_step(plan, step, len(data), data.shape, data.empty_prompts), processes)
        norm = state.gradient_norm(plan.grad_clip, processes)
        check_finite(found.loss, norm, plan, step)
        state.update(plan, step)
        late = time.monotonic() - saved > SAVE_SECONDS  # of several the first one's clock counts: it alone writes
        done, saving = step + 1, bool(plan.save_every) and (late or (step + 1) % plan.save_every == 0)
        try:
            with state.showing_average():
                yield train_step(done, found, norm, plan.rate(step), time.perf_counter() - started)
        except GeneratorExit:
            state.save(state_path, done, processes)
            raise
        if saving or done == plan.steps:
            state.save(state_path, done, processes)
            saved = time.monotonic()
    state.finish()


@dataclass(frozen=True)
class TrainingSession:
    """What every part of a step needs."""

    policy: Backbone
    data: TrainData
    loss: Loss
    plan: TrainPlan
    schedule: Float[Tensor, " t"]
    state: TrainState

    def learn(self, draw: Draw, processes: Processes) -> StepFindings:
        """This process's share of a step, part by part; its gradients are added up, its findings those of all."""
        parts = list(draw.parts(self.plan.accumulation, processes))
        with saying_what_fits(lambda size: self.part(parts[0].rows(slice(size))), len(parts[0].indices), self.plan):
            terms = [self.part(part) for part in parts]
        return collect(terms, processes)

    def part(self, part: Draw) -> LossTerms:
        """Both evaluations of a part, its loss, and its gradients added to what is there."""
        batch = self.data.batch(part.indices, part.empty)
        seen = evaluate(self.policy, batch, part, self.schedule, self.plan.precision, self.loss.needs_reference)
        terms = self.loss(seen)
        torch.autograd.backward(self.state.scaler.scale(terms.values.mean() / self.plan.accumulation))
        return terms.detach()


def check_finite(loss: float, norm: float, plan: TrainPlan, step: int) -> None:
    """Stops a run whose loss or gradients are no numbers (float16 gradients may overflow: their scale is lowered)."""
    if math.isfinite(loss) and (math.isfinite(norm) or plan.precision == "float16"):
        return
    what = "loss" if not math.isfinite(loss) else "gradient"
    raise InputError(
        f"The {what} is no longer a number at step {step + 1}: lower beta (or the log-ratio's scale) or the learning "
        f"rate of {plan.learning_rate:g}, and train anew; the steps before it that were saved are kept."
    )
