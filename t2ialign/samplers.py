"""The menu of samplers: which of diffusers' schedulers there are, and what each asks of the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from t2ialign.limits import MAX_STEPS, check_guidance_scale, check_steps
from t2ialign.names import unknown
from t2ialign.types import InputError


@runtime_checkable
class MakersNumbers(Protocol):
    """What an entry of the registry says of how its makers draw; 0 and "" say nothing."""

    @property
    def steps(self) -> int: ...
    @property
    def guidance_scale(self) -> float: ...
    @property
    def scheduler(self) -> str: ...


@runtime_checkable
class BackboneNumbers(MakersNumbers, Protocol):
    """The same of a backbone, with its guidance strategy."""

    @property
    def guidance(self) -> str: ...


@dataclass(frozen=True)
class SchedulerChoice:
    """A sampler: ``stock`` is the name of diffusers' class.

    ``sigmas``: it keeps its own noise levels; ``generator``: its step takes generators. ``steps`` and ``guidance_scale`` are
    what it is usually run with, ``most_steps`` how many it can take. ``flow``: on a rectified flow its rule is Euler's step,
    which is what flow models are sampled with; the others are for diffusions.
    """

    stock: str
    sigmas: bool
    generator: bool
    summary: str
    steps: int = 25
    guidance_scale: float = 4.0
    most_steps: int = MAX_STEPS
    flow: bool = False


@dataclass(frozen=True)
class UsualRun:
    """What pictures are drawn with where nobody says otherwise."""

    scheduler: str = "ddim"
    steps: int = 25
    guidance_scale: float = 4.0
    guidance: str = "cfg"


MAKERS = ("steps", "guidance_scale", "scheduler")  # what a checkpoint's makers may say
SOLVER = "dpmsolver++"
SCHEDULERS: dict[str, SchedulerChoice] = {
    "ddim": SchedulerChoice("DDIMScheduler", False, True, "DDIM: deterministic, one step at a time", flow=True),
    SOLVER: SchedulerChoice("DPMSolverMultistepScheduler", True, True, "DPM-Solver++ 2M: good in 15 to 25 steps"),
    "euler": SchedulerChoice("EulerDiscreteScheduler", True, True, "Euler: deterministic", flow=True),
    "euler_ancestral": SchedulerChoice("EulerAncestralDiscreteScheduler", True, True, "Euler ancestral: adds noise"),
    "ddpm": SchedulerChoice("DDPMScheduler", False, True, "DDPM: adds noise, wants many steps"),
    "unipc": SchedulerChoice("UniPCMultistepScheduler", True, False, "UniPC: good in 10 to 20 steps"),
    # Luo et al. 2023 (arXiv:2311.05556) sample 1 to 8 steps; their model cards ask for guidance of 1 to 2.
    "lcm": SchedulerChoice(
        "LCMScheduler", False, True, "LCM: 4 to 8 steps with an LCM adapter, CFG 1 to 2", 4, 1.5, 50
    ),
}


def check_scheduler(name: str, steps: int = 1) -> SchedulerChoice:
    """The sampler of that name, if it takes so many steps, or one sentence that says what does."""
    if name not in SCHEDULERS:
        raise unknown("scheduler", name, SCHEDULERS)
    if steps > SCHEDULERS[name].most_steps:
        raise InputError(
            f"The scheduler {name} takes at most {SCHEDULERS[name].most_steps} steps, not {steps}: ask for fewer."
        )
    return SCHEDULERS[name]


def check_makers(steps: object = 0, guidance_scale: object = 0.0, scheduler: object = "") -> None:
    """Passes what a checkpoint's makers draw with, where 0 and "" say nothing.

    Raises:
        InputError: steps, a guidance scale or a scheduler that there is not.
    """
    if steps != 0:
        check_steps(steps)
    check_guidance_scale(guidance_scale)
    if scheduler != "":
        check_scheduler(str(scheduler), check_steps(steps or 1))


def usual_run(entry: BackboneNumbers | None, scheduler: str = "", tuned: MakersNumbers | None = None) -> UsualRun:
    """What a backbone's makers draw with, as the registry has it, under a scheduler if one is asked for.

    A scheduler for few steps (``lcm``) brings its own numbers, and a ``tuned`` checkpoint those that its own makers say. Of
    no backbone it is what is usual for most.

    Raises:
        InputError: there is no such scheduler.
    """
    makers: list[MakersNumbers] = [one for one in (tuned, entry) if one is not None]
    name = scheduler or next((one.scheduler for one in makers if one.scheduler), UsualRun.scheduler)
    choice, guidance = check_scheduler(name), (entry.guidance if entry else "") or UsualRun.guidance
    if (choice.steps, choice.guidance_scale) != (UsualRun.steps, UsualRun.guidance_scale):
        makers = [tuned] if tuned is not None else []
    steps = next((one.steps for one in makers if one.steps), choice.steps)
    scale = next((one.guidance_scale for one in makers if one.guidance_scale), choice.guidance_scale)
    return UsualRun(name, steps, scale, guidance)
