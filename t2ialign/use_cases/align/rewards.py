"""What a method that draws learns from: a judge's marks of decoded pictures, and a share of what each adds to diversity."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from t2ialign import settings
from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.switch import BASE
from t2ialign.limits import guidance_taken
from t2ialign.methods.options import ENTROPY, MMD
from t2ialign.metrics import METRICS
from t2ialign.metrics.marginal import marginals, negative_mmd, set_value
from t2ialign.metrics.scoring import pair_mean
from t2ialign.names import unknown
from t2ialign.seeds import designed_seeds
from t2ialign.shapes.step_scorer import StepScorer
from t2ialign.shapes.step_scorer import load as load_scorer
from t2ialign.training.experience import Branches
from t2ialign.training.on_policy import Recipe
from t2ialign.training.rollouts import Marks
from t2ialign.types import AdapterUse, Encoder, GenerationConfig, InputError, Metric, Prompt, SeedBatch
from t2ialign.use_cases.align.drawing import STEP_SCORER
from t2ialign.use_cases.align.pictures import sample_policy
from t2ialign.use_cases.align.request import Plan
from t2ialign.use_cases.align.sources import Judge, SetValue, default_metric, judge_of
from t2ialign.use_cases.batches.scoring import features_of
from t2ialign.use_cases.workbench import Workbench

EMBEDDING = "clip_image"
REFERENCE_SEEDS = 32  # unguided pictures of the base that stand for a prompt's variety


@runtime_checkable
class Diversity(Protocol):
    """The diversity of any pictures of a batch, by index; ``latents`` are theirs."""

    def __call__(self, batch: SeedBatch, latents: Float[Tensor, "n c h w"]) -> SetValue: ...


@dataclass(frozen=True)
class MeasuredDiversity:
    """A metric of sets or pairs."""

    metric: Metric
    encoders: tuple[Encoder, ...]

    def __call__(self, batch: SeedBatch, latents: Float[Tensor, "n c h w"]) -> SetValue:
        return set_value(self.metric, features_of(batch.images, batch.prompt, self.encoders))


@dataclass(frozen=True)
class LatentEntropy:
    """The quadratic Renyi entropy of the finished latents: an entropy bonus that reads no pictures.

    -log mean_ij exp(-|z_i - z_j|^2 / (2 d)) over i != j, with d the number of latent values: 0 where all are alike, about 1
    for independent latents of unit variance.
    """

    def __call__(self, batch: SeedBatch, latents: Float[Tensor, "n c h w"]) -> SetValue:
        rows = latents.flatten(1).double().cpu()
        kernel = (-torch.cdist(rows, rows).square() / (2 * rows.shape[1])).exp()

        def value(chosen: Int[Tensor, " k"]) -> float:
            mean = pair_mean(kernel[chosen][:, chosen])
            return -math.log(mean) if mean > 0 else math.nan

        return value


@dataclass(frozen=True)
class NearnessToBase:
    """Minus the MMD to the base's unguided pictures of the prompt (Miao et al. 2024, with the base for real pictures)."""

    base: Backbone
    encoders: tuple[Encoder, ...]
    steps: int
    _known: dict[str, Tensor] = field(default_factory=dict)

    def __call__(self, batch: SeedBatch, latents: Float[Tensor, "n c h w"]) -> SetValue:
        prompt = batch.prompt
        if prompt.text not in self._known:
            drawn = sample_policy(self.base, prompt, designed_seeds(prompt, REFERENCE_SEEDS), 1.0, self.steps)
            self._known[prompt.text] = features_of(drawn.images, prompt, self.encoders)[EMBEDDING]
        found = features_of(batch.images, prompt, self.encoders)[EMBEDDING]
        return negative_mmd(found.float(), self._known[prompt.text].float())


@dataclass(frozen=True)
class PictureReward:
    """The judge's mean mark, plus ``weight`` times what a picture adds to the diversity of its group.

    Diversity of weight 0 is measured of finished pictures alone: ways on from one step are no set of pictures.
    """

    view: Backbone
    prompts: tuple[Prompt, ...]
    config: GenerationConfig
    judge: Judge
    diversity: Diversity
    weight: float

    def __call__(self, latents: Float[Tensor, "n c h w"], row: int, seeds: tuple[int, ...]) -> Marks:
        return self._marks(latents, row, seeds, watched=True)

    def at(self, latents: Float[Tensor, "n c h w"], row: int, seeds: tuple[int, ...], timestep: int) -> Marks:
        return self._marks(latents, row, seeds, watched=False)

    def _marks(self, latents: Float[Tensor, "n c h w"], row: int, seeds: tuple[int, ...], watched: bool) -> Marks:
        unknown_information = torch.full((len(latents),), torch.nan)
        batch = SeedBatch(
            self.prompts[row],
            self.config,
            seeds,
            self.view.decode(latents),
            unknown_information,
            unknown_information,
        )
        plain = self.judge.mean(batch).float().cpu()
        if not self.weight and not watched:
            return Marks(plain, plain)
        value = self.diversity(batch, latents)
        bonus = marginals(value, len(latents)) if self.weight else torch.zeros(len(latents))
        return Marks(plain + self.weight * bonus, plain, value(torch.arange(len(latents))))


@dataclass(frozen=True)
class StepAwareReward:
    """What a step-aware preference model thinks of what a step sees; of pictures of no step, the reward itself."""

    finished: PictureReward
    scorer: StepScorer
    base: Backbone

    def __call__(self, latents: Float[Tensor, "n c h w"], row: int, seeds: tuple[int, ...]) -> Marks:
        return self.finished(latents, row, seeds)

    @torch.no_grad()
    def at(self, latents: Float[Tensor, "n c h w"], row: int, seeds: tuple[int, ...], timestep: int) -> Marks:
        pictures = self.base.decode(latents).to(self.base.device).float() / 255
        tokens = self.base.encode_prompts([self.finished.prompts[row].text]).prompt_embeds.float()
        steps = torch.full((len(latents),), timestep, device=pictures.device)
        found = self.scorer(pictures, tokens.expand(len(latents), -1, -1), steps).cpu()
        return Marks(found, found)


def reward_of(
    bench: Workbench, plan: Plan, policy: Backbone, judge: Judge | None = None
) -> PictureReward | StepAwareReward:
    """The reward of a run, with everything that it reads loaded; ``judge`` is given where it is not the source's own.

    Raises:
        InputError: the judge or the diversity metric cannot be had.
    """
    judge = judge or judge_of(bench, plan)
    if judge is None:
        raise InputError(f"{plan.method.title} needs a reward: learn from annotator, style:GROUP or metric:NAME.")
    size, pictures = plan.entry.size, plan.settings.pictures
    config = GenerationConfig(
        plan.entry.name,
        policy.revision,
        (AdapterUse(plan.request.name),),
        guidance_scale=guidance_taken(pictures.guidance_scale),
        num_inference_steps=pictures.sampling_steps,
        height=size,
        width=size,
        dtype=policy.dtype,
    )
    diversity = _diversity(bench, plan, policy)
    recipe = plan.method.recipe_of(plan.settings)
    collector = recipe.collector if isinstance(recipe, Recipe) else None
    found = PictureReward(policy, plan.prompts, config, judge, diversity, plan.settings.rollouts.diversity_weight)
    if not (isinstance(collector, Branches) and collector.step_aware):
        return found
    scorer = load_scorer(settings.CHECKPOINTS / STEP_SCORER, policy.device)
    return StepAwareReward(found, scorer, replace(policy, passes=BASE))


def diversity_metric(bench: Workbench, plan: Plan) -> str:
    """The name of the metric of sets that a run rewards or watches; ``mmd`` and ``latent_entropy`` are none.

    Raises:
        InputError: it is no metric of sets.
    """
    name = plan.settings.rollouts.diversity_metric or default_metric(bench, plan.entry.scorers, "diversity", True)
    if name in (MMD, ENTROPY):
        return name
    if name not in METRICS:
        raise unknown("diversity metric", name, [*METRICS, MMD, ENTROPY])
    if METRICS[name].level == "image":
        raise InputError(f"{name} measures single pictures, not a set: choose one such as lpips, u_rke or {MMD}.")
    return name


def _diversity(bench: Workbench, plan: Plan, policy: Backbone) -> Diversity:
    name = diversity_metric(bench, plan)
    if name == ENTROPY:
        return LatentEntropy()
    wanted = "clip_diversity" if name == MMD else name
    metrics, encoders = bench.scorers_for(plan.entry.scorers, (wanted,), plan.entry.on_request)
    if name == MMD:
        return NearnessToBase(replace(policy, passes=BASE), tuple(encoders), plan.settings.pictures.sampling_steps)
    return MeasuredDiversity(metrics[0], tuple(encoders))
