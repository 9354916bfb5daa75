"""What a training run will cost: seconds by phase, from one timed evaluation of the UNet on this machine."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.text import PromptEmbeds
from t2ialign.seeds import designed_seeds
from t2ialign.training.reward_gradient import GradientRecipe
from t2ialign.types import Prompt, cell_key
from t2ialign.use_cases.align.request import AlignRequest, Plan, own_set, plan, spread
from t2ialign.use_cases.align.sources import picture_requests
from t2ialign.use_cases.batches.prompt_sets import load
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import config_of
from t2ialign.use_cases.workbench import Workbench

TIMED = 16  # pictures of the timed evaluation, as many as sampling evaluates at once
BACKWARD = 2.0  # a backward pass costs about two forward passes
DORA = 1.4  # a DoRA layer normalises its weights at every forward pass
SCORING = 0.15  # seconds to score one test picture with every metric, and to store it
MARKING = 0.01  # seconds for a reward to mark one picture
PROBE_PROMPTS, PROBE_SEEDS = 4, 4
TEST_GUIDANCE, TEST_STEPS = 4.0, 25


@dataclass(frozen=True)
class TrainingEstimate:
    """Seconds by phase (``pictures``, ``training``, ``saving``, ``scoring``), and in words."""

    phases: Mapping[str, float]

    @property
    def seconds(self) -> float:
        return sum(self.phases.values())

    @property
    def words(self) -> str:
        """``about 3 minutes``."""
        seconds = self.seconds
        if seconds < 90:
            return f"about {max(5, round(seconds / 5) * 5)} seconds"
        if seconds < 5400:
            return f"about {round(seconds / 60)} minutes"
        return f"about {seconds / 3600:.1f} hours"


def estimate(bench: Workbench, request: AlignRequest) -> TrainingEstimate:
    """What a request will cost on this machine; stored pictures cost nothing. The Align page and ``--estimate`` show it."""
    found = plan(bench, request)
    return costs(bench, found, evaluation_seconds(bench.backbone(found.entry)))


def costs(bench: Workbench, plan: Plan, evaluation: float) -> TrainingEstimate:
    """Seconds by phase, if one evaluation of the UNet costs ``evaluation`` seconds a picture."""
    pictures, watch = plan.settings.pictures, plan.settings.watch
    per_step = 2 * evaluation  # both sides of guidance
    wanted = plan.pictures_to_sample
    first = wanted - stored_pictures(bench, picture_requests(plan)) if wanted else 0
    later = wanted * (plan.rounds - 1)
    sampling = (first + later) * pictures.sampling_steps * per_step
    steps = plan.steps * plan.rounds
    probes = 0 if not watch.probe_every else 1 + -(-steps // watch.probe_every)
    probing = probes * PROBE_PROMPTS * PROBE_SEEDS * pictures.sampling_steps * per_step
    tests = 2 * len(evaluation_prompts(plan)) * watch.test_seeds  # before and after
    tests -= stored_pictures(bench, evaluation_requests(plan, plan.parent.name))
    return TrainingEstimate(
        {
            "pictures": sampling,
            "training": steps * _step_seconds(plan, evaluation) + probing,
            "saving": 0.5,
            "scoring": tests * (TEST_STEPS * per_step + SCORING),
        }
    )


def _step_seconds(plan: Plan, evaluation: float) -> float:
    """Seconds of one optimisation step; of a method that draws, with its pictures."""
    policy = evaluation * (1 + BACKWARD) * (DORA if plan.values["adapter"] == "dora" else 1.0)
    if plan.method.data == "reward":
        recipe, steps = plan.method.recipe_of(plan.settings), plan.settings.pictures.sampling_steps
        learned = plan.settings.rollouts.step_share * steps
        if isinstance(recipe, GradientRecipe):
            learned = recipe.reach.evaluations
        drawn = plan.settings.rollouts.groups * recipe.pictures
        return drawn * (2 * (steps * evaluation + learned * (evaluation + policy)) + MARKING)
    needs_reference = plan.method.loss_of(plan.settings).needs_reference
    example = (policy + evaluation * needs_reference) * (2 if plan.method.data == "pairs" else 1)
    return plan.settings.training.batch_size * example


def stored_pictures(bench: Workbench, requests: Sequence[BatchRequest]) -> int:
    """How many pictures are there already, of requests that differ in prompts and seeds alone."""
    if not requests:
        return 0
    config = config_of(bench, requests[0])[1]
    return bench.results.count_pictures({cell_key(config, request.prompt): request.seeds for request in requests})


def evaluation_prompts(plan: Plan) -> tuple[Prompt, ...]:
    """The prompts that a run is judged by: the backbone's own test set, or the everyday ones."""
    count = plan.settings.watch.test_prompts
    return spread(load(own_set(plan.entry, "test")), count) if count else ()


def evaluation_requests(plan: Plan, checkpoint: str) -> list[BatchRequest]:
    """The cells that are scored before and after, at the settings that the chart's other points have."""
    count = plan.settings.watch.test_seeds
    return [
        BatchRequest(prompt, checkpoint, designed_seeds(prompt, count), TEST_GUIDANCE, TEST_STEPS)
        for prompt in evaluation_prompts(plan)
    ]


@torch.no_grad()
def evaluation_seconds(backbone: Backbone) -> float:
    """Seconds that the base's UNet takes for one picture at one timestep, in batches as sampling has them."""
    size, device = backbone.entry.size, backbone.device
    embeds: PromptEmbeds = backbone.encode_prompts([""]).repeat(TIMED)
    latents = torch.zeros((TIMED, *backbone.latent_shape(size, size)), device=device)
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        float(backbone.predict_noise(latents, 500, embeds).sum())  # reading the number waits for the device
        best = min(best, time.perf_counter() - begun)
    return best / TIMED
