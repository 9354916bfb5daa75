"""The optimisation of a plan, whichever way its method learns: from examples that were gathered, or from what it draws."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from t2ialign.diffusion.backbone import Backbone
from t2ialign.training.chains import SDES, DdimChain, FlowChain, chain_of
from t2ialign.training.critic import critic_of
from t2ialign.training.data import TrainData
from t2ialign.training.guided import guided_policy
from t2ialign.training.on_policy import OnPolicySession, Recipe, train_on_policy
from t2ialign.training.plan import PRECISIONS, TrainPlan
from t2ialign.training.processes import Processes
from t2ialign.training.reward_gradient import GradientRecipe, GradientSession
from t2ialign.training.state import begin_state
from t2ialign.training.train import train
from t2ialign.types import InputError, TrainStep
from t2ialign.use_cases.align.request import Plan
from t2ialign.use_cases.align.rewards import PictureReward, reward_of
from t2ialign.use_cases.align.sloped import Yardstick, check_slope, corrected, yardstick_of
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
    drawn = replace(
        train_plan,
        batch=plan.settings.rollouts.groups,
        accumulation=1,
        save_every=SAVE_DRAWING_EVERY,
    )
    recipe = plan.method.recipe_of(plan.settings)
    made = _by_gradient if isinstance(recipe, GradientRecipe) else _on_policy
    return train_on_policy(made(bench, plan, policy, data, drawn, path), path)


def _on_policy(
    bench: Workbench, plan: Plan, policy: Backbone, data: TrainData, drawn: TrainPlan, path: Path
) -> OnPolicySession:
    recipe, pictures = plan.method.recipe_of(plan.settings), plan.settings.pictures
    assert isinstance(recipe, Recipe), "or it follows the reward's slope"
    guided = guided_policy(policy, data.prompts, pictures.guidance_scale, drawn.precision)
    chain = _chain(plan, policy)
    critic = None
    if recipe.critic is not None:
        said = data.prompts.embeds.prompt_embeds[data.prompts.rows].float().mean(1).to(policy.device)
        critic = critic_of(recipe.critic, guided.shape, said, len(chain.timesteps), drawn.seed)
    judge = None
    if plan.settings.rollouts.correction:
        judge = _corrected(plan, _yardstick(bench, plan), policy, path).judge()
    return OnPolicySession(
        guided,
        chain,
        reward_of(bench, plan, policy, judge),
        len(data),
        recipe,
        drawn,
        replace(begin_state(policy, data, _asked(plan), drawn), beside=critic),
        plan.settings.training.accumulate,
        path.with_name(f"{path.stem}-replay"),
        critic,
    )


def _by_gradient(
    bench: Workbench, plan: Plan, policy: Backbone, data: TrainData, drawn: TrainPlan, path: Path
) -> GradientSession:
    recipe, pictures = plan.method.recipe_of(plan.settings), plan.settings.pictures
    assert isinstance(recipe, GradientRecipe), "or it learns from what it drew"
    yardstick = _yardstick(bench, plan)
    if plan.settings.rollouts.correction:
        yardstick = _corrected(plan, yardstick, policy, path)
    watch = reward_of(bench, plan, policy, yardstick.judge())
    assert isinstance(watch, PictureReward), "only ways on from a step have a step-aware judge"
    return GradientSession(
        guided_policy(policy, data.prompts, pictures.guidance_scale, drawn.precision),
        _chain(plan, policy, recipe.eta),
        check_slope(policy, plan.prompts, yardstick),
        watch,
        len(data),
        recipe,
        drawn,
        begin_state(policy, data, _asked(plan), drawn),
    )


def _chain(plan: Plan, policy: Backbone, eta: float = 1.0) -> DdimChain | FlowChain:
    rollouts = plan.settings.rollouts
    steps = plan.settings.pictures.sampling_steps
    return chain_of(policy, steps, eta, SDES[rollouts.sde], rollouts.noise_level)


def _asked(plan: Plan) -> tuple[object, ...]:
    """What must be the same for a run to go on."""
    pictures = plan.settings.pictures
    drawn = (pictures.guidance_scale, pictures.sampling_steps, plan.settings.rollouts, str(plan.source))
    return (plan.method.recipe_of(plan.settings), *drawn)


def _yardstick(bench: Workbench, plan: Plan) -> Yardstick:
    return yardstick_of(bench, plan.entry, plan.source, plan.method.title)


def _corrected(plan: Plan, yardstick: Yardstick, policy: Backbone, path: Path) -> Yardstick:
    return corrected(plan, yardstick, policy, path.with_name(f"{path.stem}-correction.safetensors"))


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
