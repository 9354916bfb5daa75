"""A network compiled by torch: quicker steps after a first one that takes minutes, which is said before it begins.

``reduce-overhead`` also records CUDA graphs, one for each shape. Compiled or not, the pictures are the same but for the last
places, as on another device, so neither is part of a picture's identity.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from t2ialign.types import InputError

MODES = ("default", "reduce-overhead", "max-autotune")
GRAPHS = ("reduce-overhead", "max-autotune")  # modes whose results lie in memory that the next call writes over
WARMING = "The first step at this size compiles the network for it, which takes a while; all others are quicker for it."
_met: WeakKeyDictionary[nn.Module, set[tuple[int, ...]]] = WeakKeyDictionary()


def check_mode(mode: str) -> str:
    """The mode itself, "" for none; ``InputError`` for what is no mode."""
    if mode and mode not in MODES:
        raise InputError(
            f"T2IALIGN_COMPILE is {mode[:30]!r}: use one of {', '.join(MODES)}, or leave it unset for none."
        )
    return mode


def compile_network(network: nn.Module, mode: str, backend: str = "inductor") -> None:
    """Compiles the forward pass of a network in place, at its first call for each shape; "" leaves it as it is."""
    if not check_mode(mode):
        return
    options: dict[str, Any] = {"mode": mode} if backend == "inductor" else {"backend": backend}
    compiled = torch.compile(network.forward, **options)
    graphs = mode in GRAPHS

    def forward(*inputs: Any, **named: Any) -> Any:
        if graphs:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]  # torch has no types for it
        found = compiled(*inputs, **named)
        if graphs and isinstance(found, tuple):
            return tuple(one.clone() if isinstance(one, Tensor) else one for one in found)
        return found

    network.forward = forward
    _met[network] = set()


def warming(network: nn.Module, *shape: int) -> str:
    """What to say before a network first works at a shape; "" where it did so before, or is not compiled."""
    met = _met.get(network)
    if met is None or shape in met:
        return ""
    met.add(shape)
    return WARMING
