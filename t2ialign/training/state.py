"""A run in the making: what an optimisation step changes, and how it is written down and found again bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from t2ialign.diffusion.adapters import adapter_parameters
from t2ialign.diffusion.backbone import Backbone
from t2ialign.files import whole_file
from t2ialign.training.plan import TrainPlan
from t2ialign.training.processes import Processes
from t2ialign.types import InputError, content_key

FREE = ("steps", "accumulation", "save_every", "probe_every")  # may differ between a run and its continuation


@runtime_checkable
class Content(Protocol):
    """What a run learns from, as far as its identity goes."""

    @property
    def sha(self) -> str: ...


@runtime_checkable
class Kept(Protocol):
    """What else a run changes on its way, and has to find again."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, saved: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class TrainState:
    """The adapter's parameters, their optimizer and, if wanted, their running average.

    ``identity`` is the hash of everything that must be the same for a saved state to be continued. ``beside`` is what a run
    trains beside the adapter and does not ship.
    """

    parameters: dict[str, nn.Parameter]
    averaged: dict[str, Tensor]
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    identity: str
    beside: Kept | None = None

    def begin(self, path: Path | None, processes: Processes) -> int:
        """Goes on from ``path`` if a run is written there, else writes its start; returns how many steps are done.

        ``path`` must be one file for all processes.
        """
        done = self.restore(path) if path and path.exists() else -1
        processes.spread([parameter.data for parameter in self.parameters.values()])
        processes.wait()
        if done < 0:
            self.save(path, 0, processes)
        return max(0, done)

    def gradient_norm(self, clip: float, processes: Processes) -> float:
        """Averages the gradients over processes and clips them; their norm before clipping."""
        parameters = [parameter for parameter in self.parameters.values() if parameter.grad is not None]
        processes.average([parameter.grad for parameter in parameters if parameter.grad is not None])
        self.scaler.unscale_(self.optimizer)
        return float(nn.utils.clip_grad_norm_(parameters, clip or torch.inf))

    def update(self, plan: TrainPlan, step: int) -> None:
        """One optimisation step on the gradients at hand (none, in float16, where they overflowed)."""
        for group in self.optimizer.param_groups:
            group["lr"] = plan.rate(step)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        if self.averaged:
            decay = min(plan.ema, (step + 1) / (step + 10))
            newest = [parameter.data for parameter in self.parameters.values()]
            torch._foreach_lerp_(list(self.averaged.values()), newest, 1 - decay)

    @contextmanager
    def showing_average(self) -> Iterator[None]:
        """Within it the adapter has the averaged weights (those of the last step where nothing is averaged)."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def finish(self) -> None:
        """Leaves the weights that ship in the adapter."""
        self._exchange()

    def _exchange(self) -> None:
        for name, mean in self.averaged.items():
            parameter = self.parameters[name]
            self.averaged[name], parameter.data = parameter.data, mean

    def save(self, path: Path | None, step: int, processes: Processes) -> None:
        """The first process writes the state after ``step`` steps; the file is whole, whatever happens meanwhile."""
        if path is None or not processes.first:
            return
        parameters = {name: parameter.data for name, parameter in self.parameters.items()}
        parts = {"optimizer": self.optimizer.state_dict(), "scaler": self.scaler.state_dict()}
        if self.beside is not None:
            parts["beside"] = self.beside.state_dict()
        with whole_file(path, sync=True) as draft, draft.open("wb") as file:
            torch.save(
                {"step": step, "identity": self.identity, "parameters": parameters, "averaged": self.averaged, **parts},
                file,
            )

    def restore(self, path: Path) -> int:
        """Continues from a saved state; returns how many steps it has behind it."""
        saved = read_state(path)
        if saved["identity"] != self.identity:
            raise InputError(
                f"{path} holds a run with other data or settings: go on with those, or discard it and start anew."
            )
        for name, parameter in self.parameters.items():
            parameter.data.copy_(saved["parameters"][name])
        for name, mean in self.averaged.items():
            mean.copy_(saved["averaged"][name])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scaler.load_state_dict(saved["scaler"])
        if self.beside is not None:
            self.beside.load_state_dict(saved["beside"])
        return int(saved["step"])


def begin_state(policy: Backbone, data: Content, loss: object, plan: TrainPlan) -> TrainState:
    """A fresh state around the parameters of the policy's adapter; ``loss`` is a record whose repr identifies it."""
    if not any(one.adapters for one in policy.passes):
        raise InputError("The model has no adapter to train: add one first.")
    made_of = [repr(loss), data.sha, policy.entry.name, policy.revision]
    return state_of(adapter_parameters(policy), plan, made_of, policy.device)


def state_of(parameters: dict[str, nn.Parameter], plan: TrainPlan, made_of: list[str], device: str) -> TrainState:
    """A fresh state around any parameters; ``made_of`` says what else must be the same for a run to go on."""
    optimizer = torch.optim.AdamW(parameters.values(), lr=plan.learning_rate, weight_decay=0.01, fused=True)
    optimizer.zero_grad(set_to_none=True)
    averaged = {name: parameter.data.clone() for name, parameter in parameters.items()} if plan.ema else {}
    scaler = torch.amp.GradScaler(torch.device(device).type, enabled=plan.precision == "float16")
    said = {name: value for name, value in asdict(plan).items() if name not in FREE}
    shapes = {name: list(parameter.shape) for name, parameter in parameters.items()}
    return TrainState(parameters, averaged, optimizer, scaler, content_key([said, *made_of, shapes]))


def read_state(path: Path) -> dict[str, Any]:
    """A saved state's record; one sentence where the file is damaged."""
    try:
        record: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        return record
    except Exception as error:  # torch raises what zip files, pickles and storages raise
        raise InputError(f"The saved training state {path} cannot be read: discard it and start anew.") from error
