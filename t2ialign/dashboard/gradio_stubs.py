"""Has Gradio leave its stubs for editors as they are while it is imported.

Gradio 6 parses the source of each of its 80 component classes whenever it is imported, and writes an interface file beside each
into its own folder. That is half of its import's time, for files that are there already. Import this module before Gradio;
where a version of Gradio does not do so any more nothing is changed.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

MODULE = "gradio.component_meta"
WRITER = "create_or_modify_pyi"


class _Finder:
    """Finds the one module that writes stubs, and nothing else."""

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        found = PathFinder.find_spec(fullname, path) if fullname == MODULE else None
        if found is not None:
            loader: Any = found.loader
            own = loader.exec_module

            def execute(module: ModuleType) -> None:
                own(module)
                if WRITER in vars(module):
                    setattr(module, WRITER, _leave)

            loader.exec_module = execute
        return found


def _leave(*_: object) -> None:
    """Does nothing: it replaces Gradio's function that writes a class's stub."""


sys.meta_path.insert(0, _Finder())
