"""The last resort where not one picture fits: only the network that is at work lies on the device, the others wait outside."""

from __future__ import annotations

from weakref import WeakSet

from torch import nn

from t2ialign.diffusion.backbone import Backbone

OFFLOADED = (
    "There was no room for one picture beside all networks, so only the one at work lies on the device and the others wait in "
    "main memory: that is much slower, and the pictures are the same."
)
_away: WeakSet[nn.Module] = WeakSet()


def offload(view: Backbone) -> bool:
    """Lets networks take turns on the view's device; False where they do already, or where there is nowhere else to be."""
    if view.device == "cpu" or view.unet in _away:
        return False
    take_turns(view)
    return True


def take_turns(view: Backbone) -> None:
    """Every network moves to the device when it is called, and the one before it moves out."""
    from accelerate import cpu_offload_with_hook

    before = None
    for network in (*view.text.encoders, view.unet, view.vae):
        network.to("cpu")
        _, before = cpu_offload_with_hook(network, view.device, prev_module_hook=before)
    _away.add(view.unet)
