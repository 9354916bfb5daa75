"""Where an encoder's weights lie and who they are: files, what was fetched from the Hub, SHA-256 identities."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from t2ialign.content import identity, settings_in
from t2ialign.downloads import HubFile, HubFolder, Part, repository_of, use
from t2ialign.types import InputError

Network = TypeVar("Network", bound=nn.Module)
FOLDER = ("*.json", "*.txt", "*.safetensors")


def folder_identity(folder: Path) -> str:
    """An encoder's ``sha`` where it is a transformers folder: weights, configuration, preprocessing and tokenizer."""
    return identity(safetensors_of(folder), settings_in(folder))


def hub_folder(source: str | Path, patterns: tuple[str, ...] = FOLDER) -> tuple[HubFolder, ...]:
    """What a source lacks on this machine at first: nothing where it is a folder, else files of ``org/name[@revision]``.

    No pickles, unless ``patterns`` ask.
    """
    return () if Path(source).is_dir() else (HubFolder(*repository_of(source), patterns),)


def hub_file(source: str | Path, filename: str) -> tuple[HubFile, ...]:
    """What a source lacks of one file: nothing where it is a folder, else the file in ``org/name[@revision]``."""
    return () if Path(source).is_dir() else (HubFile(*repository_of(source), (filename,)),)


def folder_at(source: str | Path, patterns: tuple[str, ...] = FOLDER) -> Path:
    """A folder, or the repository ``org/name[@revision]`` as it lies on this machine."""
    parts = hub_folder(source, patterns)
    return here(parts[0]) if parts else Path(source)


def file_at(source: str | Path, filename: str) -> Path:
    """A file of a folder, or of the repository ``org/name[@revision]`` as it lies on this machine."""
    parts = hub_file(source, filename)
    return here(parts[0]) if parts else existing(Path(source), filename)[0]


def here(part: Part) -> Path:
    """Where a part lies on this machine; nothing is fetched.

    Raises:
        InputError: it is not here.
    """
    found = part.found()
    if found is None:
        raise InputError(
            f"The weights {part.name} are not on this machine: `python -m t2ialign weights` says how to fetch them."
        )
    if isinstance(part, HubFile | HubFolder):
        use(part)
    return found


def torch_file(name: str) -> Path:
    """Where torch keeps a file of weights that comes from an address of its own."""
    return Path(torch.hub.get_dir()) / "checkpoints" / name


def safetensors_of(folder: Path) -> list[Path]:
    """The weights of a transformers folder, in order; one sentence where there are none."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise InputError(
            f"{folder} holds no safetensors file, so there are no weights to load; point to one that does."
        )
    return files


def frozen(network: Network, device: str) -> Network:
    """The network on its device, as encoders use it: in evaluation mode and without gradients."""
    return network.to(device).eval().requires_grad_(False)


def last_tokens(count: int) -> str:
    """The end of a prompt that is not read, for ``unread``; "" where there is none."""
    return "" if count < 1 else "its last token" if count == 1 else f"its last {count} tokens"


def existing(folder: Path, *names: str) -> list[Path]:
    """The named files of a folder, or one sentence about the first that is missing."""
    for name in names:
        if not (folder / name).is_file():
            raise InputError(f"{folder} has no {name}, so it is not a folder of scorer weights; point to one that has.")
    return [folder / name for name in names]
