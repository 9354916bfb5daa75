"""Has Gradio look at the parameters of each component class once.

Gradio 6 describes every component six times before a page answers, and works out the signature of its class anew each time: a
sixth of what building the page costs. ``inspect`` takes a signature that a function carries with it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from gradio.blocks import Block


def keep_signatures() -> None:
    """Attaches to every component class its signature, where ``inspect`` finds it instead of working it out again.

    Holds in this process, for the classes that exist by now.
    """
    for kind in kinds():
        function: Any = vars(kind).get("__init__")
        while function is not None and "__signature__" not in vars(function):
            function.__signature__ = inspect.signature(function)
            function = getattr(function, "__wrapped__", None)


def kinds(of: type[Any] = Block) -> Iterator[type[Any]]:
    """``Block``, the class of everything on a page, and all its subclasses."""
    yield of
    for kind in of.__subclasses__():
        yield from kinds(kind)
