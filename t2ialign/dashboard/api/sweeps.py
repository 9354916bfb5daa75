"""The endpoint that sweeps: the very job that the Sweep page starts, asked for by a program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from t2ialign.dashboard.api.endpoint import Call, said
from t2ialign.dashboard.api.pictures import CHECKPOINT, USUAL, WAIT
from t2ialign.dashboard.api.records import Work
from t2ialign.dashboard.api.work import standing
from t2ialign.job_record import Job
from t2ialign.seeds import parse_plan
from t2ialign.types import InputError
from t2ialign.use_cases.sweeps.job import KIND, LIVE, resume, spec_of, submit
from t2ialign.use_cases.sweeps.spec import PromptChoice, SweepSpec, begun, checked


@dataclass(frozen=True)
class AskSweep:
    """Parameters of `sweep`: every combination of a prompt set, checkpoints with weights, strategies and CFG values."""

    prompts: str = said("A prompt set of the page by name, or a part of one, as shapes-test:color.", "shapes-test")
    checkpoints: tuple[str, ...] = said(CHECKPOINT, ("base",))
    guidance_scales: tuple[float, ...] = said(f"CFG values; none: around {USUAL}, mostly 1, 2, 4, 6, 8.", ())
    seeds: str = said("own:16 for 16 seeds of each prompt's own, or seeds for all prompts alike, as 0-15.", "own:16")
    steps: int | None = said(f"Denoising steps; null: {USUAL}, mostly 25.", None)
    guidance: tuple[str, ...] = said(
        f"Guidance strategies, with parameters as cads:noise_scale=0.1; none: {USUAL}, mostly cfg.", ()
    )
    metrics: tuple[str, ...] = said("Metrics by name; none: the short list.", ())
    wait: float = said(WAIT, 0.0)
    weights: tuple[float, ...] = said("Weights of every checkpoint that has an adapter; none: as they are.", ())
    sample: int = said("So many of the prompts, at even distances; 0: all.", 0)
    height: int = said("Pixels, 0 for the model's own.", 0)
    width: int = said("Pixels, 0 for the model's own.", 0)
    scheduler: str = said(f"Of all conditions; empty: {USUAL}, mostly ddim.", "")


def sweep(call: Call, asked: AskSweep) -> Work:
    """Queues it as a job; the same sweep has the same id, and goes on where it stands."""
    notes: list[str] = []
    spec, supervisor, bench = _spec(call, asked, notes), call.services.supervisor, call.services.bench
    known = _known(supervisor.jobs(), spec)
    if known is not None and known.status not in LIVE:
        resume(bench, supervisor, known.id)
    work = standing(call, submit(bench, supervisor, spec) if known is None else known.id)
    return replace(work, notes=(*notes, *work.notes))


def _spec(call: Call, asked: AskSweep, notes: list[str]) -> SweepSpec:
    if asked.prompts.partition(":")[0] not in call.services.prompts:
        raise InputError(f"There is no prompt set {asked.prompts[:40]!r} here: {', '.join(call.services.prompts)}.")
    said: dict[str, Any] = {
        "guidance_scales": asked.guidance_scales,
        "strategies": asked.guidance,
        "num_inference_steps": asked.steps,
        "scheduler": asked.scheduler,
    }
    spec = SweepSpec(
        prompts=PromptChoice(asked.prompts, sample=asked.sample),
        checkpoints=asked.checkpoints,
        weights=asked.weights,
        seeds=parse_plan(asked.seeds),
        metrics=asked.metrics,
        height=asked.height,
        width=asked.width,
    )
    unsaid = [name for name, value in said.items() if value in ((), "", None)]
    spec = replace(spec, **{name: value for name, value in said.items() if name not in unsaid})
    return checked(begun(spec, unsaid, call.services.bench.registry(), notes.append))


def _known(jobs: list[Job], spec: SweepSpec) -> Job | None:
    """The newest sweep that asks for the same, whatever it is called."""
    for job in reversed([one for one in jobs if one.kind == KIND]):
        try:
            if spec_of(job).key == spec.key:
                return job
        except InputError:  # of another version: it is none of ours
            continue
    return None
