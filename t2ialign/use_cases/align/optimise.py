"""The optimisation of a plan, whichever way its method learns: from examples that were gathered, or from what it draws."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from t2ialign.diffusion.backbone import Backbone
from t2ialign.training.critic import critic_of
from t2ialign.training.data import TrainData
from t2ialign.training.guided import guided_policy
from t2ialign.training.on_policy import OnPolicySession, train_on_policy
from t2ialign.training.plan import PRECISIONS, TrainPlan
from t2ialign.training.processes import Processes
from t2ialign.training.rollouts import chain_of
from t2ialign.training.state import begin_state
from t2ialign.training.train import train
from t2ialign.types import InputError, TrainStep
from t2ialign.use_cases.align.request import Plan
from t2ialign.use_cases.align.rewards import reward_of
from t2ialign.use_cases.workbench import Workbench

SAVE_EVERY = 25
SAVE_DRAWING_EVERY = 5  # a step that draws its pictures is long


def optimised(
    bench: Workbench,
    plan: Plan,
    policy: Backbone,
    data: TrainData,
    train_plan: TrainPlan,
    path: Path,
    processes: Processes,
) -> Generator[TrainStep, None, None]:
    """The steps of one round, from the state in ``path`` on, if there is one."""
    if plan.method.recipe is None:
        return train(policy, data, plan.method.loss_of(plan.settings), train_plan, path, processes)
    if processes.count > 1:
        raise InputError(
            f"{plan.method.title} draws and learns in one process: start it without accelerate, or as one process."
        )
    recipe, pictures = plan.method.recipe_of(plan.settings), plan.settings.pictures
    drawn = replace(
        train_plan,
        batch=plan.settings.rollouts.groups,
        accumulation=1,
        save_every=SAVE_DRAWING_EVERY,
    )
    asked = (recipe, pictures.guidance_scale, pictures.sampling_steps, plan.settings.rollouts, str(plan.source))
    guided = guided_policy(policy, data.prompts, pictures.guidance_scale, train_plan.precision)
    chain = chain_of(policy, pictures.sampling_steps)
    critic = None
    if recipe.critic is not None:
        said = data.prompts.embeds.prompt_embeds[data.prompts.rows].float().mean(1).to(policy.device)
        critic = critic_of(recipe.critic, guided.shape, said, len(chain.timesteps), drawn.seed)
    session = OnPolicySession(
        guided,
        chain,
        reward_of(bench, plan, policy),
        len(data),
        recipe,
        drawn,
        replace(begin_state(policy, data, asked, drawn), beside=critic),
        plan.settings.training.accumulate,
        path.with_name(f"{path.stem}-replay"),
        critic,
    )
    return train_on_policy(session, path)


def train_plan(plan: Plan, dtype: str, number: int, steps: int) -> TrainPlan:
    """Round ``number`` of a plan, as the loop wants it."""
    training = plan.settings.training
    return TrainPlan(
        steps=steps,
        batch=training.batch_size,
        accumulation=training.accumulate,
        learning_rate=training.learning_rate,
        grad_clip=training.grad_clip,
        timesteps=(training.timestep_lo, training.timestep_hi + 1),
        precision=PRECISIONS[dtype],
        seed=plan.request.seed + 1000 * (number - 1),
        save_every=SAVE_EVERY,
        probe_every=plan.settings.watch.probe_every,
    )
