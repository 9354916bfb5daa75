"""What to do where a device has no room for all networks: only the one at work lies on it, the others wait outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from torch import Tensor, nn

from t2ialign.diffusion.memory import make_room, out_of_memory
from t2ialign.network import in_bytes
from t2ialign.types import InputError

if TYPE_CHECKING:
    from t2ialign.diffusion.backbone import Backbone

OFFLOADED = (
    "There was no room on the device for all networks at once, so only the one at work lies there and the others wait in main "
    "memory: that is much slower, and the pictures are the same."
)
_away: WeakSet[nn.Module] = WeakSet()


@dataclass
class Turns:
    """Accelerate's hook of several networks: the one that is called comes to the device, and all others leave it before."""

    networks: tuple[nn.Module, ...]
    device: str
    at_work: nn.Module | None = None
    no_grad: bool = False  # accelerate asks every hook

    def init_hook(self, module: nn.Module) -> nn.Module:
        return module.to("cpu")

    def pre_forward(self, module: nn.Module, *inputs: Any, **named: Any) -> tuple[Any, Any]:
        if self.at_work is not module:
            self._turn_to(module)
        return _moved(inputs, self.device), _moved(named, self.device)

    def post_forward(self, module: nn.Module, output: Any) -> Any:
        return output

    def detach_hook(self, module: nn.Module) -> nn.Module:
        return module

    def _turn_to(self, module: nn.Module) -> None:
        self.at_work = None
        for other in self.networks:
            if other is not module:
                other.to("cpu")
        make_room()
        try:
            module.to(self.device)
        except RuntimeError:
            module.to("cpu")
            raise
        self.at_work = module


def _moved(inputs: Any, device: str) -> Any:
    """The same inputs, tensors of them on the device."""
    if isinstance(inputs, Tensor):
        return inputs.to(device)
    if isinstance(inputs, dict):
        return {name: _moved(one, device) for name, one in inputs.items()}
    if type(inputs) in (list, tuple):
        return type(inputs)(_moved(one, device) for one in inputs)
    return inputs


def parts_of(view: Backbone) -> dict[str, nn.Module]:
    """The networks of a backbone, each by the word for it."""
    encoders = view.text.encoders
    named = {f"text encoder{f' {number}' if len(encoders) > 1 else ''}": one for number, one in enumerate(encoders, 1)}
    return {**named, "transformer" if view.flow else "UNet": view.unet, "VAE": view.vae}


def size_of(network: nn.Module) -> int:
    """The bytes of its weights."""
    return sum(weight.numel() * weight.element_size() for weight in network.parameters())


def place(view: Backbone) -> None:
    """Moves a backbone just loaded to its device; where its networks have no room there together, they take turns.

    Raises:
        InputError: not even the largest of them fits, or they are in main memory and that is full.
    """
    parts = parts_of(view)
    if not _fit(parts, view.device):
        name, largest = max(parts.items(), key=lambda part: size_of(part[1]))
        if view.device == "cpu" or not _fit({name: largest}, view.device):
            raise InputError(_too_large(view, name, largest))
        take_turns(view)


def _fit(parts: Mapping[str, nn.Module], device: str) -> bool:
    """Whether networks have room on a device together, where they are then; if not, they are in main memory."""
    try:
        for part in parts.values():
            part.to(device)
        return True
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
    for part in parts.values():
        part.to("cpu")
    make_room()
    return False


def _too_large(view: Backbone, name: str, largest: nn.Module) -> str:
    return (
        f"There is no room for {view.entry.name}: its {name} alone takes {in_bytes(size_of(largest))}, and the device "
        f"{view.device} has less to spare. Free memory there, choose a smaller backbone"
        f"{'' if view.device == 'cpu' else ', or set T2IALIGN_DEVICE=cpu'}."
    )


def takes_turns(view: Backbone) -> bool:
    """Whether only one network of a backbone lies on the device at a time."""
    return view.unet in _away


def offload(view: Backbone) -> bool:
    """Lets networks take turns on the view's device; False where they do already, or where there is nowhere else to be."""
    if view.device == "cpu" or takes_turns(view):
        return False
    take_turns(view)
    return True


def take_turns(view: Backbone) -> None:
    """Every network moves to the device when it is called, and the others move out."""
    from accelerate.hooks import add_hook_to_module

    networks = tuple(parts_of(view).values())
    turns: Any = Turns(networks, view.device)
    for network in networks:
        add_hook_to_module(network, turns)
    _away.add(view.unet)
