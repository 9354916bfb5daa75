"""A small batch of fixed prompts and seeds, sampled and scored while a policy trains: people see both axes move."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from t2ialign.codec import IF_SAID
from t2ialign.diffusion.backbone import Backbone
from t2ialign.metrics import METRICS
from t2ialign.seeds import designed_seeds
from t2ialign.store import images
from t2ialign.tradeoff.interval import mean_interval, over_prompts, paired_difference
from t2ialign.types import Axis, InputError, Interval
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
class PromptScores:
    """Both axes of one prompt of the fixed batch; NaN = not scored."""

    prompt: str
    alignment: float
    diversity: float


@dataclass(frozen=True)
class Probe:
    """What the fixed batch looks like after ``step`` steps; ``reward`` is the judge's mean mark (None without a judge).

    ``by_prompt`` is empty in what earlier versions measured.
    """

    step: int
    alignment_metric: str
    alignment: Interval
    diversity_metric: str
    diversity: Interval
    reward: Interval | None
    pictures: tuple[ProbePicture, ...]
    by_prompt: tuple[PromptScores, ...] = field(default=(), metadata=IF_SAID)

    def measured(self, axis: Axis) -> tuple[str, Interval]:
        """The metric of an axis, and its level."""
        if axis == "alignment":
            return self.alignment_metric, self.alignment
        return self.diversity_metric, self.diversity


def change(start: Probe, now: Probe, axis: Axis) -> Interval | None:
    """How far an axis has moved since the start, prompt by prompt on the same seeds.

    None where it cannot be said: another metric, an effective number (of which differences mean little), or an old record.
    """
    (name, level), (other, _) = now.measured(axis), start.measured(axis)
    if name != other or name not in METRICS or METRICS[name].finish or not start.by_prompt or not now.by_prompt:
        return None
    if now.step == start.step:
        return Interval(0.0, 0.0, 0.0) if math.isfinite(level.mean) else None
    after, before = ({one.prompt: getattr(one, axis) for one in probe.by_prompt} for probe in (now, start))
    try:
        return paired_difference(after, before).interval
    except InputError:  # no prompt was scored both times
        return None


def probe(bench: Workbench, plan: Plan, policy: Backbone, judge: Judge | None, step: int) -> Probe:
    """Samples the fixed batch from the policy as it is and scores it; the pictures are kept as files of the store."""
    names = {axis: default_metric(bench, plan.entry.scorers, axis) for axis in ("alignment", "diversity")}
    metrics, encoders = bench.scorers_for(plan.entry.scorers, tuple(names.values()))
    pictures, settings = [], plan.settings.pictures
    scores: dict[str, list[Interval]] = {axis: [] for axis in names}
    rewards, by_prompt = [], []
    for prompt in spread(load(own_set(plan.entry, "test")), PROBE_PROMPTS):
        seeds = designed_seeds(prompt, PROBE_SEEDS)
        batch = sample_policy(policy, prompt, seeds, settings.guidance_scale, settings.sampling_steps)
        found = Scorer(prompt, metrics, encoders).add(batch)
        for axis, name in names.items():
            scores[axis].append(Interval(found[name].mean, found[name].lo, found[name].hi))
        by_prompt.append(PromptScores(prompt.text, *(found[name].mean for name in names.values())))
        rewards.append(float(judge.mean(batch).mean()) if judge else 0.0)
        shas = [images.write(bench.home, images.encode(picture)) for picture in batch.images]
        pictures += [ProbePicture(prompt.text, seed, sha) for seed, sha in zip(seeds, shas)]
    over = {axis: over_prompts(cells, finish=METRICS[names[axis]].finish) for axis, cells in scores.items()}
    reward = mean_interval(rewards) if judge else None
    measured = (names["alignment"], over["alignment"], names["diversity"], over["diversity"])
    return Probe(step, *measured, reward, tuple(pictures), tuple(by_prompt))
