"""Has Gradio leave its stubs for editors as they are while it is imported.

Gradio 6 parses the source of each of its 80 component classes whenever it is imported, and writes an interface file beside each
into its own folder. That is half of its import's time, for files that are there already. Import this module before Gradio;
where a version of Gradio does not do so any more nothing is changed.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

MODULE = "gradio.component_meta"
WRITER = "create_or_modify_pyi"


class _Finder(MetaPathFinder):
    """Finds the one module that writes stubs, and nothing else."""

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        found = PathFinder.find_spec(fullname, path) if fullname == MODULE else None
        if found is not None and isinstance(found.loader, SourceFileLoader):
            found.loader = _Loader(found.loader)
        return found


class _Loader(Loader):
    """Python's own, after which the function that writes stubs does nothing."""

    def __init__(self, own: SourceFileLoader) -> None:
        self.own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.own.exec_module(module)
        if hasattr(module, WRITER):
            setattr(module, WRITER, lambda *_: None)


sys.meta_path.insert(0, _Finder())
