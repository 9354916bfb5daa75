"""Rectified flows at work: diffusers' scheduler for them and its noise levels.

A flow's noise level s goes from 1 to 0 on x_s = (1 - s) x_0 + s noise, and the network predicts dx / ds = noise - x_0. One
step of Euler's is x_s' = x_s + (s' - s) v. DDIM's rule, carried to this mixture, is that very step: from v it reads x_0 =
x_s - s v and noise = x_s + (1 - s) v, and mixes them anew at s'. Sana is sampled with DPM-Solver++ in the flow's own terms too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.schedulers import SchedulerRun, begin_run, stock_class
from t2ialign.model_families import FAMILIES
from t2ialign.samplers import SOLVER, check_scheduler


@dataclass(frozen=True)
class FlowRunRequest:
    """A run that is asked for: the backbone's family and its own noise schedule, steps, and the latents' size."""

    family: str
    config: Mapping[str, Any]
    scheduler: str
    steps: int
    latents: tuple[int, int]
    device: str


def begin(asked: FlowRunRequest, flow: bool) -> SchedulerRun:
    """A fresh run on a backbone's own noise schedule, ready for its first step."""
    if not flow:
        return begin_run(asked.config, asked.scheduler, asked.steps, asked.device)
    choice = check_scheduler(asked.scheduler, asked.steps)
    if asked.scheduler == SOLVER:
        scheduler = stock_class(choice).from_config(_solved(asked.config))
        scheduler.set_timesteps(asked.steps, device=asked.device)
        scheduler.set_begin_index(0)
        return SchedulerRun(scheduler, choice, flow=True)
    scheduler, traits = _stock(asked.config), FAMILIES[asked.family]
    options: dict[str, Any] = {}
    if scheduler.config["use_dynamic_shifting"]:
        options["mu"] = shift_of(scheduler.config, asked)
    if traits.names_levels:  # its pipeline names the levels itself, SD-3's leaves them to the scheduler
        options["sigmas"] = np.linspace(1.0, 1 / asked.steps, asked.steps)
    scheduler.set_timesteps(asked.steps, device=asked.device, **options)
    scheduler.set_begin_index(0)
    return SchedulerRun(scheduler, choice, flow=True)


def shift_of(config: Mapping[str, Any], asked: FlowRunRequest) -> float:
    """How far a schedule is shifted towards noise: more for more tokens of a picture, in FLUX.2 also by the steps."""
    patch = FAMILIES[asked.family].patch
    height, width = (side // patch for side in asked.latents)
    if asked.family in ("flux2", "flux2-klein"):
        from diffusers.pipelines.flux2.pipeline_flux2 import compute_empirical_mu

        return float(compute_empirical_mu(height * width, asked.steps))
    known = {name: config[name] for name in ("base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift")}
    from diffusers.pipelines.flux import pipeline_flux

    stock: Any = pipeline_flux.calculate_shift
    found: float = stock(height * width, *known.values())
    return found


def _stock(config: Mapping[str, Any]) -> Any:
    """Diffusers' scheduler for flows on a model's own noise schedule, though that was saved for DPM-Solver++."""
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

    scheduler: Any = FlowMatchEulerDiscreteScheduler
    if "flow_shift" in config:
        return scheduler(num_train_timesteps=config["num_train_timesteps"], shift=config["flow_shift"])
    return scheduler.from_config(dict(config))


def _solved(config: Mapping[str, Any]) -> dict[str, Any]:
    """A flow's schedule as DPM-Solver++ reads it, though it was saved for Euler's step."""
    if "flow_shift" in config:
        return dict(config)
    return {
        "num_train_timesteps": config["num_train_timesteps"],
        "flow_shift": config["shift"],
        "use_flow_sigmas": True,
        "prediction_type": "flow_prediction",
    }


def training_levels(config: Mapping[str, Any]) -> Float[Tensor, " t"]:
    """The share of signal, 1 - s, at every training timestep, from almost all of it to none: the schedule as it was saved.

    A constant shift is in it, as in diffusers' training scripts; a shift by the pictures' size is not, as there.
    """
    scheduler = _stock(config)
    levels: Tensor = 1 - scheduler.sigmas.flip(0)
    return levels
