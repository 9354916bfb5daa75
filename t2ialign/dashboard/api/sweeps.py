"""The endpoint that sweeps: the very job that the Sweep page starts, asked for by a program."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.dashboard.api.endpoint import Call, said
from t2ialign.dashboard.api.pictures import CHECKPOINT, WAIT
from t2ialign.dashboard.api.records import Work
from t2ialign.dashboard.api.work import standing
from t2ialign.job_record import Job
from t2ialign.seeds import parse_plan
from t2ialign.types import InputError
from t2ialign.use_cases.sweeps.job import KIND, LIVE, resume, spec_of, submit
from t2ialign.use_cases.sweeps.spec import PromptChoice, SweepSpec, checked


@dataclass(frozen=True)
class AskSweep:
    """Parameters of `sweep`: every combination of a prompt set, checkpoints with weights, strategies and CFG values."""

    prompts: str = said("A prompt set of the page by name, or a part of one, as shapes-test:color.", "shapes-test")
    checkpoints: tuple[str, ...] = said(CHECKPOINT, ("base",))
    guidance_scales: tuple[float, ...] = said("CFG values.", (1.0, 2.0, 4.0, 6.0, 8.0))
    seeds: str = said("own:16 for 16 seeds of each prompt's own, or seeds for all prompts alike, as 0-15.", "own:16")
    steps: int = said("Denoising steps.", 25)
    guidance: tuple[str, ...] = said("Guidance strategies, with parameters as cads:noise_scale=0.1.", ("cfg",))
    metrics: tuple[str, ...] = said("Metrics by name; none: the short list.", ())
    wait: float = said(WAIT, 0.0)
    weights: tuple[float, ...] = said("Weights of every checkpoint that has an adapter; none: as they are.", ())
    sample: int = said("So many of the prompts, at even distances; 0: all.", 0)
    height: int = said("Pixels, 0 for the model's own.", 0)
    width: int = said("Pixels, 0 for the model's own.", 0)


def sweep(call: Call, asked: AskSweep) -> Work:
    """Queues it as a job; the same sweep has the same id, and goes on where it stands."""
    spec, supervisor, bench = _spec(call, asked), call.services.supervisor, call.services.bench
    known = _known(supervisor.jobs(), spec)
    if known is None:
        return standing(call, submit(bench, supervisor, spec))
    if known.status not in LIVE:
        resume(bench, supervisor, known.id)
    return standing(call, known.id)


def _spec(call: Call, asked: AskSweep) -> SweepSpec:
    if asked.prompts.partition(":")[0] not in call.services.prompts:
        raise InputError(f"There is no prompt set {asked.prompts[:40]!r} here: {', '.join(call.services.prompts)}.")
    return checked(
        SweepSpec(
            prompts=PromptChoice(asked.prompts, sample=asked.sample),
            checkpoints=asked.checkpoints,
            weights=asked.weights,
            guidance_scales=asked.guidance_scales,
            strategies=asked.guidance,
            seeds=parse_plan(asked.seeds),
            num_inference_steps=asked.steps,
            metrics=asked.metrics,
            height=asked.height,
            width=asked.width,
        )
    )


def _known(jobs: list[Job], spec: SweepSpec) -> Job | None:
    """The newest sweep that asks for the same, whatever it is called."""
    for job in reversed([one for one in jobs if one.kind == KIND]):
        try:
            if spec_of(job).key == spec.key:
                return job
        except InputError:  # of another version: it is none of ours
            continue
    return None
