"""A small batch of fixed prompts and seeds, sampled and scored while a policy trains: people see both axes move."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.diffusion.backbone import Backbone
from t2ialign.metrics import METRICS
from t2ialign.seeds import designed_seeds
from t2ialign.store import images
from t2ialign.tradeoff.interval import mean_interval, over_prompts
from t2ialign.types import Interval
from t2ialign.use_cases.align.estimate import PROBE_PROMPTS, PROBE_SEEDS
from t2ialign.use_cases.align.pictures import sample_policy
from t2ialign.use_cases.align.request import Plan, own_set, spread
from t2ialign.use_cases.align.sources import Judge, default_metric
from t2ialign.use_cases.batches.prompt_sets import load
from t2ialign.use_cases.batches.scoring import Scorer
from t2ialign.use_cases.workbench import Workbench


@dataclass(frozen=True)
class ProbePicture:
    """One picture of a probe; ``sha`` names its file in the store's ``images/``."""

    prompt: str
    seed: int
    sha: str


@dataclass(frozen=True)
class Probe:
    """What the fixed batch looks like after ``step`` steps; ``reward`` is the judge's mean mark (None without a judge)."""

    step: int
    alignment_metric: str
    alignment: Interval
    diversity_metric: str
    diversity: Interval
    reward: Interval | None
    pictures: tuple[ProbePicture, ...]


def probe(bench: Workbench, plan: Plan, policy: Backbone, judge: Judge | None, step: int) -> Probe:
    """Samples the fixed batch from the policy as it is and scores it; the pictures are kept as files of the store."""
    names = {axis: default_metric(bench, plan.entry.scorers, axis) for axis in ("alignment", "diversity")}
    metrics, encoders = bench.scorers_for(plan.entry.scorers, tuple(names.values()))
    pictures, settings = [], plan.settings.pictures
    scores: dict[str, list[Interval]] = {axis: [] for axis in names}
    rewards = []
    for prompt in spread(load(own_set(plan.entry, "test")), PROBE_PROMPTS):
        seeds = designed_seeds(prompt, PROBE_SEEDS)
        batch = sample_policy(policy, prompt, seeds, settings.guidance_scale, settings.sampling_steps)
        found = Scorer(prompt, metrics, encoders).add(batch)
        for axis, name in names.items():
            scores[axis].append(Interval(found[name].mean, found[name].lo, found[name].hi))
        rewards.append(float(judge.mean(batch).mean()) if judge else 0.0)
        shas = [images.write(bench.home, images.encode(picture)) for picture in batch.images]
        pictures += [ProbePicture(prompt.text, seed, sha) for seed, sha in zip(seeds, shas)]
    over = {axis: over_prompts(cells, finish=METRICS[names[axis]].finish) for axis, cells in scores.items()}
    reward = mean_interval(rewards) if judge else None
    return Probe(
        step, names["alignment"], over["alignment"], names["diversity"], over["diversity"], reward, tuple(pictures)
    )
