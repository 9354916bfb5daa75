"""Which adapters are on, over which weights: views of one backbone share its networks, each evaluation turns on its own."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from torch import nn

from t2ialign.diffusion.whole_unets import UnetWeights

if TYPE_CHECKING:
    from peft.tuners.lora import LoraLayer

Scales = tuple[tuple[str, float], ...]
Kind = Literal["lora", "dora"]
KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}


@dataclass(frozen=True)
class Pass:
    """One evaluation of the UNet: the adapters that are on, each with its scale, and its share of the prediction.

    ``unets`` are whole UNets with their weights in the blend that the adapters stand on; none is the base.
    """

    adapters: Scales
    share: float = 1.0
    unets: Scales = ()


BASE = (Pass(()),)


class AdapterSwitch:
    """Turns adapters on and off, one thread at a time, and only when something changes.

    What peft's own switching does to ``requires_grad`` is undone: which parameters train is not this switch's business
    (a reference evaluation between forward and backward would otherwise silence the policy's gradients).
    """

    def __init__(self, unet: nn.Module, encoders: Sequence[nn.Module] = ()) -> None:
        self.models = (unet, *encoders)
        self.weights = UnetWeights(unet)
        self.lock = threading.RLock()
        self.on: Scales | None = ()
        self.references = 0
        self.loaded: dict[str, Kind] = {}
        self.loads = 0  # how often an adapter came or went: one of the same name may be another then
        self.with_text: set[str] = set()  # adapters of which a part belongs to a text encoder
        self._tuned: list[tuple[LoraLayer, list[nn.Parameter]]] = []

    def actual(self, passes: tuple[Pass, ...]) -> tuple[Pass, ...]:
        """The passes to make: those asked for, or within ``reference()`` the base's. Hold ``lock`` while making them."""
        return BASE if self.references else passes

    def turn_on(self, adapters: Scales, unets: Scales = ()) -> None:
        """Exactly ``adapters`` are on from here, at their scales, over ``unets``. Hold ``lock`` as long as that matters."""
        self.weights.turn_to(unets)
        if adapters != self.on:
            self._turn(adapters)

    def in_text(self, passes: tuple[Pass, ...]) -> tuple[Pass, ...]:
        """The passes that text encoders make: those asked for where an adapter has a part there, or else one without any.

        Whole UNets stay as they are meanwhile: no text encoder asks for another turn of theirs.
        """
        asked = self.actual(passes)
        adapted = any(key in self.with_text for one in asked for key, _ in one.adapters)
        return asked if adapted else (Pass((), unets=asked[0].unets),)

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
        self.loads += 1
        self.changed()

    def left(self, key: str) -> None:
        del self.loaded[key]
        self.with_text.discard(key)
        self.loads += 1
        self.changed()

    def _layers(self) -> list[tuple[LoraLayer, list[nn.Parameter]]]:
        """The layers that carry adapters, with their parameters; found once, for a training step turns twice."""
        from peft.tuners.lora import LoraLayer

        if not self._tuned:
            modules = (module for model in self.models for module in model.modules())
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
