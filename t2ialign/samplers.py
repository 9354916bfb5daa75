"""The menu of samplers: which of diffusers' schedulers there are, and what each asks of the loop."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.registry import unknown


@dataclass(frozen=True)
class SchedulerChoice:
    """A sampler: ``stock`` is the name of diffusers' class.

    ``sigmas``: it keeps its own noise levels; ``generator``: its step takes generators.
    """

    stock: str
    sigmas: bool
    generator: bool
    summary: str


SCHEDULERS: dict[str, SchedulerChoice] = {
    "ddim": SchedulerChoice("DDIMScheduler", False, True, "DDIM: deterministic, one step at a time"),
    "dpmsolver++": SchedulerChoice(
        "DPMSolverMultistepScheduler", True, True, "DPM-Solver++ 2M: good in 15 to 25 steps"
    ),
    "euler": SchedulerChoice("EulerDiscreteScheduler", True, True, "Euler: deterministic"),
    "euler_ancestral": SchedulerChoice("EulerAncestralDiscreteScheduler", True, True, "Euler ancestral: adds noise"),
    "ddpm": SchedulerChoice("DDPMScheduler", False, True, "DDPM: adds noise, wants many steps"),
    "unipc": SchedulerChoice("UniPCMultistepScheduler", True, False, "UniPC: good in 10 to 20 steps"),
}


def check_scheduler(name: str) -> SchedulerChoice:
    """The sampler of that name, or one sentence with the nearest."""
    if name not in SCHEDULERS:
        raise unknown("scheduler", name, SCHEDULERS)
    return SCHEDULERS[name]
