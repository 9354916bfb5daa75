"""A Space of one's own: what would be sent, shown before it is sent, and the sending.

The folder holds what a wheel holds (package, shipped checkpoints, data), the pinned requirements and a README whose front
matter configures the Space (https://huggingface.co/docs/hub/spaces-config-reference).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, SpaceCardData, SpaceHardware

from t2ialign import __version__, settings
from t2ialign.files import foreign, write_whole
from t2ialign.hub.api import in_plain_words
from t2ialign.types import InputError

PYTHON, LARGE = "3.12", 10 << 20  # bytes from which plain git refuses a file
HARDWARE = tuple(str(one.value) for one in SpaceHardware)
TORCH = re.compile(r"^(torch|torchvision)[<>=~! ].*$")
SHARED = "zero-"  # GPUs that are lent for a call at a time
SIGNING_IN, LENT = ("authlib", "itsdangerous"), ("spaces",)  # libraries of the extras ``oauth`` and ``space``
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "shipped", ".*")
APP = '''"""A Space's entry: ``t2ialign serve``."""

from t2ialign.cli import main

main(["serve"])
'''
ABOUT = """
# {title}

Aligning a text-to-image model makes its pictures more faithful, or more liked, and more alike. This Space shows that
trade-off, live: pick a prompt, a checkpoint and a CFG value, and see alignment and diversity of a batch of seeds.

It runs t2ialign {version}.
"""


@dataclass(frozen=True)
class SpacePlan:
    """What a deployment is: the repository, the machine, and the settings that the Space gets.

    ``secrets`` are values by name and are never shown; ``torch_index`` is an address from which pip takes torch.
    """

    repo: str
    hardware: str = "cpu-basic"
    title: str = "t2ialign"
    private: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    torch_index: str = ""


def check_plan(plan: SpacePlan) -> None:
    """Raises ``InputError`` for a name that is none, or a machine that the Hub does not have."""
    owner, slash, name = plan.repo.partition("/")
    if not (owner and slash and name) or "/" in name:
        raise InputError(f"{plan.repo[:60]!r} is no repository of the Hub: write USER/NAME.")
    if plan.hardware not in HARDWARE:
        raise InputError(f"The Hub has no machine called {plan.hardware[:40]!r}: it has {', '.join(HARDWARE)}.")


def write_space(plan: SpacePlan, folder: Path) -> list[Path]:
    """Writes the Space's repository into an empty folder; returns its files.

    Raises:
        InputError: what ``check_plan`` refuses, or a folder that is not empty or cannot be written.
    """
    check_plan(plan)
    with foreign(f"The folder {folder} cannot be written", "choose another"):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"The folder {folder} is not empty: choose a new one, so that nothing else is published.")
        shutil.copytree(settings.PACKAGE, folder / "t2ialign", ignore=LEFT_OUT)
        shutil.copytree(settings.CHECKPOINTS, folder / "checkpoints", ignore=LEFT_OUT)
        shutil.copytree(settings.DATA, folder / "data", ignore=LEFT_OUT)
    for name, text in {"app.py": APP, "requirements.txt": _requirements(plan), "README.md": _readme(plan)}.items():
        write_whole(folder / name, text.encode())
    return sorted(path for path in folder.rglob("*") if path.is_file())


def push_space(plan: SpacePlan, folder: Path, api: Any = None) -> str:
    """Makes the Space where there is none, sends its settings and then the folder; returns its address.

    Settings come first, so that the page never starts without its secrets. Files that the repository has and the folder has
    not are deleted.

    Raises:
        InputError: no such right, or no way to the Hub.
    """
    hub = api or HfApi()
    with in_plain_words(plan.repo):
        hub.create_repo(plan.repo, repo_type="space", space_sdk="gradio", private=plan.private, exist_ok=True)
        for name, value in plan.variables.items():
            hub.add_space_variable(plan.repo, name, value)
        for name, value in plan.secrets.items():
            hub.add_space_secret(plan.repo, name, value)
        hub.upload_folder(
            repo_id=plan.repo,
            repo_type="space",
            folder_path=folder,
            commit_message=f"t2ialign {__version__}",
            delete_patterns="*",
        )
        if plan.hardware != HARDWARE[0]:
            hub.request_space_hardware(plan.repo, SpaceHardware(plan.hardware))
    return f"https://huggingface.co/spaces/{plan.repo}"


def lines(plan: SpacePlan, folder: Path, files: list[Path]) -> Iterator[str]:
    """What would be sent: folders with their sizes, large files by name, settings; secrets by name only."""
    sizes = {path.relative_to(folder): path.stat().st_size for path in files}
    yield f"spaces/{plan.repo}, {'private' if plan.private else 'public'}, on {plan.hardware}: {len(sizes)} files"
    for top in sorted({path.parts[0] for path in sizes}):
        own = [size for path, size in sizes.items() if path.parts[0] == top]
        yield f"  {top:<18} {len(own):>5} {'files' if len(own) > 1 else 'file '} {sum(own) / 1e6:>8.2f} MB"
    for path, size in sizes.items():
        if size > LARGE:
            yield f"  {path} takes {size / 1e6:.1f} MB: the Hub keeps it as a large file, plain git would refuse it"
    for name, value in plan.variables.items():
        yield f"  variable {name} = {value}"
    for name in plan.secrets:
        yield f"  secret   {name} (not shown)"


def _requirements(plan: SpacePlan) -> str:
    """The pins of a checkout, of an installed package its ranges; where a GPU is lent, the platform chooses torch."""
    lent = plan.hardware.startswith(SHARED)
    more = {*SIGNING_IN, *(LENT if lent else ())}
    pins, more_pins = (settings.ROOT / name for name in ("requirements.txt", "requirements-space.txt"))
    if not settings.INSTALLED and pins.is_file() and more_pins.is_file():
        lines = pins.read_text(encoding="utf-8").splitlines()
        lines += [line for line in more_pins.read_text(encoding="utf-8").splitlines() if _library(line) in more]
    else:
        lines = _ranges(more)
    if lent:
        lines = [TORCH.sub(r"\1", line) for line in lines]
    index = [f"--extra-index-url {plan.torch_index}"] if plan.torch_index else []
    return "\n".join([*index, *lines]) + "\n"


def _library(line: str) -> str:
    """The library that a line of requirements names, "" for any other line."""
    found = re.match(r"[A-Za-z0-9][\w.-]*", line)
    return found[0].lower() if found else ""


def _ranges(more: Collection[str]) -> list[str]:
    """What an installed package asks for, and those libraries of its extras."""
    try:
        asked = requires("t2ialign") or ()
        chosen = [line.partition(";")[0].strip() for line in asked if "extra ==" in line and _library(line) in more]
        return [*(line for line in asked if "extra ==" not in line), *chosen]
    except PackageNotFoundError as error:
        raise InputError(
            "Nothing here says what t2ialign needs: deploy from a checkout or an installed package."
        ) from error


def _readme(plan: SpacePlan) -> str:
    header = SpaceCardData(
        title=plan.title,
        sdk="gradio",
        sdk_version=version("gradio"),
        python_version=PYTHON,
        app_file="app.py",
        license="apache-2.0",
        tags=["text-to-image", "diffusers", "alignment", "diversity", "evaluation"],
        suggested_hardware=plan.hardware,
        hf_oauth=True,  # so that owners can sign in (T2IALIGN_OWNERS)
        pinned=False,
    )
    return f"---\n{header.to_yaml()}\n---\n{ABOUT.format(title=' '.join(plan.title.split()), version=__version__)}"
