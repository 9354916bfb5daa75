"""Whole fine-tuned UNets in the place of a backbone's own: its text encoders and VAE stay, and no second network is made.

A flow model's whole transformer is one too.

Weights are written into the one UNet that is loaded, where they change nothing but numbers. With W_0 the base's weights
and W_l those of checkpoint l in a blend of weights w_l, the UNet computes with W_0 + sum_l w_l (W_l - W_0): weight 0 is
exactly the base and weight 1 of a lone checkpoint exactly that checkpoint (what is between is Wortsman et al. 2022,
arXiv:2109.01903, applied to a UNet). Adapters of the blend stand on top of that. The base's weights are kept on the CPU.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from t2ialign.content import CONFIG, unet_weights
from t2ialign.files import foreign, read_json
from t2ialign.types import InputError, OtherModel

BY_BLOCK = ("attention_head_dim", "layers_per_block", "cross_attention_dim", "transformer_layers_per_block")
FREE = frozenset({"sample_size", "upcast_attention"})  # of a configuration: change no number that matters


class UnetWeights:
    """The weights of one UNet, the base's or those of a blend of whole UNets. Hold the switch's lock around ``turn_to``."""

    def __init__(self, unet: nn.Module) -> None:
        self.unet = unet
        self.folders: dict[str, Path] = {}
        self._base: dict[str, Tensor] = {}
        self._on: tuple[tuple[str, float], ...] | None = ()

    def turn_to(self, blend: tuple[tuple[str, float], ...]) -> None:
        """From here the UNet has the weights of the blend; () is the base, exactly."""
        if blend == self._on:
            return
        places = places_of(self.unet)
        self._base = self._base or {name: place.detach().to("cpu", copy=True) for name, place in places.items()}
        self._on = None  # should a file break half way, the next evaluation starts over
        with ExitStack() as stack, torch.no_grad():
            files = [(stack.enter_context(_opened(self.folders[key])), weight) for key, weight in blend]
            for name, place in places.items():
                place.copy_(_mixed(self._base[name], [(tensors[name], weight) for tensors, weight in files]))
        self._on = blend


class _Tensors:
    """The tensors of a UNet's files by name, each read when it is asked for."""

    def __init__(self, files: list[Any]) -> None:
        self._of = {name: file for file in files for name in file.keys()}  # noqa: SIM118
        self.names = self._of.keys()

    def __getitem__(self, name: str) -> Tensor:
        found: Tensor = self._of[name].get_tensor(name)
        return found

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape alone, for which no numbers are read."""
        return tuple(self._of[name].get_slice(name).get_shape())


@contextmanager
def _opened(folder: Path) -> Iterator[_Tensors]:
    with ExitStack() as stack:
        with foreign(f"The UNet in {folder} is truncated or damaged", "copy it again"):
            files = [stack.enter_context(safe_open(file, framework="pt")) for file in unet_weights(folder)]
        yield _Tensors(files)


def places_of(unet: nn.Module) -> dict[str, Tensor]:
    """Every weight of a UNet under the name that it has in a file, without the adapters that are in it."""
    named = {name: place for name, place in unet.state_dict(keep_vars=True).items() if ".lora_" not in name}
    return {name.replace(".base_layer.", "."): place for name, place in named.items()}


def check_unet(folder: Path, who: str, unet: Any, backbone: str, numbers: bool = False) -> None:
    """Refuses a folder that holds no whole UNet of the backbone's architecture.

    ``numbers``: every number is read too, and none may be infinite or undefined.

    Raises:
        InputError: a missing or damaged file, other names or shapes than the backbone's, a configuration that computes
            otherwise.
    """
    if not unet_weights(folder):
        raise InputError(f"The UNet {who} should be in {folder}, which holds no whole one (safetensors): restore it.")
    places = places_of(unet)
    with _opened(folder) as tensors:
        odd = sorted(tensors.names ^ places.keys())
        odd += [name for name in places if name in tensors.names and tensors.shape(name) != tuple(places[name].shape)]
        if odd:
            raise OtherModel(_other(who, backbone, odd[0], tensors, places, len(odd)))
        if numbers and (
            bad := next((name for name in tensors.names if not torch.isfinite(tensors[name].float()).all()), "")
        ):
            raise InputError(f"The UNet {who} holds numbers that are not finite ({bad}): its training diverged.")
    _check_config(folder / CONFIG, who, unet, backbone)


def _other(who: str, backbone: str, name: str, tensors: _Tensors, places: Mapping[str, Tensor], count: int) -> str:
    theirs = "x".join(map(str, tensors.shape(name))) if name in tensors.names else "absent"
    ours = "x".join(map(str, places[name].shape)) if name in places else "absent"
    return (
        f"The UNet {who} has another architecture than {backbone} ({count} tensors differ; {name} is {theirs} there and "
        f"{ours} here), so it can neither take its place nor be blended with it: choose a UNet of this backbone."
    )


def _check_config(file: Path, who: str, unet: Any, backbone: str) -> None:
    what, mend = f"The configuration {file} cannot be read", "copy it again"
    try:
        said = read_json(file, what, mend)
    except FileNotFoundError as error:
        raise InputError(f"The UNet {who} lacks its {CONFIG} in {file.parent}: restore it.") from error
    with foreign(what, mend):
        theirs, ours = (_meant(one, type(unet)) for one in (dict(said), dict(unet.config)))
    for name, value in ours.items():
        if theirs[name] != value:
            raise OtherModel(
                f"The UNet {who} has another architecture than {backbone} ({name} is {json.dumps(theirs[name])} there "
                f"and {json.dumps(value)} here): choose a UNet of this backbone."
            )


def _meant(said: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    """What a configuration says, with what it leaves to the defaults, each in one spelling."""
    usual = inspect.signature(kind.__init__).parameters
    full = {name: said.get(name, known.default) for name, known in usual.items() if name not in {"self", *FREE}}
    blocks = len(full.get("block_out_channels", ()))
    return {
        name: [value] * blocks if blocks and name in BY_BLOCK and isinstance(value, int) else _plain(value)
        for name, value in full.items()
    }


def _plain(value: Any) -> Any:
    """Tuples as lists, and nothing, as some versions write it, for a switch that is off."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if value is False else value


def _mixed(base: Tensor, parts: list[tuple[Tensor, float]]) -> Tensor:
    """The base's weights moved towards others', by their weights; exact at both ends."""
    if not parts:
        return base
    if len(parts) == 1 and parts[0][1] == 1:
        return parts[0][0]
    moved = base.float()
    for tensor, weight in parts:
        moved = moved + weight * (tensor.float() - base.float())
    return moved
