"""Which adapters of a UNet are on. Views of one backbone share a UNet, and each evaluation turns on what it needs."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, get_args

from peft.tuners.lora import LoraLayer
from torch import nn

Scales = tuple[tuple[str, float], ...]
Kind = Literal["lora", "dora"]
KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}


@dataclass(frozen=True)
class Pass:
    """One evaluation of the UNet: the adapters that are on, each with its scale, and its share of the prediction."""

    adapters: Scales
    share: float = 1.0


BASE = (Pass(()),)


class AdapterSwitch:
    """Turns adapters on and off, one thread at a time, and only when something changes.

    What peft's own switching does to ``requires_grad`` is undone: which parameters train is not this switch's business
    (a reference evaluation between forward and backward would otherwise silence the policy's gradients).
    """

    def __init__(self, unet: nn.Module) -> None:
        self.unet = unet
        self.lock = threading.RLock()
        self.on: Scales | None = ()
        self.references = 0
        self.loaded: dict[str, Kind] = {}
        self._tuned: list[tuple[LoraLayer, list[nn.Parameter]]] = []

    def actual(self, passes: tuple[Pass, ...]) -> tuple[Pass, ...]:
        """The passes to make: those asked for, or within ``reference()`` the base's. Hold ``lock`` while making them."""
        return BASE if self.references else passes

    def turn_on(self, adapters: Scales) -> None:
        """Exactly ``adapters`` are on from here, at their scales. Hold ``lock`` as long as that matters."""
        if adapters != self.on:
            self._turn(adapters)

    @contextmanager
    def reference(self) -> Iterator[None]:
        """Within it, in this thread, every view of the backbone predicts as the base does; other threads wait."""
        with self.lock:
            self.references += 1
            try:
                yield
            finally:
                self.references -= 1

    def changed(self) -> None:
        """Say that someone else may have switched: the next evaluation turns its own adapters on anew."""
        self.on = None
        self._tuned = []

    def arrived(self, key: str, kind: Kind) -> None:
        self.loaded[key] = kind
        self.changed()

    def left(self, key: str) -> None:
        del self.loaded[key]
        self.changed()

    def _layers(self) -> list[tuple[LoraLayer, list[nn.Parameter]]]:
        """The layers that carry adapters, with their parameters; found once, for a training step turns twice."""
        if not self._tuned:
            modules = self.unet.modules()
            self._tuned = [(layer, list(layer.parameters())) for layer in modules if isinstance(layer, LoraLayer)]
        return self._tuned

    def _turn(self, adapters: Scales) -> None:
        self.on = None  # should peft raise half way, the next evaluation starts over
        for layer, parameters in self._layers():
            with training_the_same(parameters):
                if adapters:
                    layer.set_adapter([name for name, _ in adapters])
                    for name, scale in adapters:
                        layer.set_scale(name, scale)
                layer.enable_adapters(bool(adapters))
        self.on = adapters


@contextmanager
def training_the_same(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    """At its end those of the parameters require gradients that did at its beginning, whatever peft has done to them."""
    trainable = [(parameter, parameter.requires_grad) for parameter in parameters]
    try:
        yield
    finally:
        for parameter, flag in trainable:
            parameter.requires_grad_(flag)
