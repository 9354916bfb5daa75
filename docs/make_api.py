"""`make docs`: what the docstrings say as pages, one a module; ``t2ialign.html`` is the tour."""

import sys
import warnings
from pathlib import Path

import pdoc

import t2ialign

ROOT = Path(t2ialign.__file__).parent


def modules() -> list[str]:
    """Every module of the package by name, but the one that runs it."""
    files = [path for path in ROOT.rglob("*.py") if path.stem != "__main__"]
    names = [".".join(path.relative_to(ROOT.parent).with_suffix("").parts) for path in files]
    return sorted(name.removesuffix(".__init__") for name in names)


def main(target: Path, *names: str) -> None:
    """Renders the modules of these names, or all of them."""
    for name in t2ialign.__all__:  # imported when first asked for, and pdoc does not ask
        setattr(t2ialign, name, getattr(t2ialign, name))
    warnings.filterwarnings("ignore", "The module specification")  # a package's files are named, and found in it again
    pdoc.render.configure(docformat="google", show_source=False)
    pdoc.pdoc(*(names or modules()), output_directory=target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
