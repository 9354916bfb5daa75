"""Lets torchvision import beside a CPU build of torch.

The torchvision wheel of the package index is a CUDA build: beside a CPU torch its compiled operators do not load, and the
import stops at ``operator torchvision::nms does not exist`` (and with it lpips, open_clip and diffusers' pipelines).
Declaring the two operators that the import looks up cures it; nothing here ever calls them.
"""

from __future__ import annotations

import importlib.util
import threading
from functools import cache
from pathlib import Path
from typing import Any

IMPORTING = threading.RLock()
"""Held while a library that stands on torchvision is first imported: they import in circles, which two threads break."""


@cache
def install() -> str:
    """Declare ``nms`` and ``qnms`` where torchvision's own operators cannot load; returns what was done, in words."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return "torchvision is not installed"
    for file in Path(spec.origin).parent.glob("_C*.so"):
        try:
            torch.ops.load_library(str(file))  # type: ignore[no-untyped-call]  # torch has no types for it
            return "torchvision's own operators were loaded"
        except OSError:
            continue
    library: Any = torch.library  # whose functions have no types either
    _LIBRARY.append(library.Library("torchvision", "DEF"))
    _LIBRARY[0].define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _LIBRARY[0].define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return "torchvision's operators cannot load beside this torch; their names were declared"


_LIBRARY: list[Any] = []  # a declared library lives as long as the object that declared it
