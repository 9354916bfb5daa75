"""Where an encoder's weights come from and who they are: files, pinned hub downloads, SHA-256 identities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from t2ialign.content import identity, settings_in
from t2ialign.types import InputError

Network = TypeVar("Network", bound=nn.Module)


def folder_identity(folder: Path) -> str:
    """An encoder's ``sha`` where it is a transformers folder: weights, configuration, preprocessing and tokenizer."""
    return identity(safetensors_of(folder), settings_in(folder))


def fetch(source: str | Path, filename: str) -> Path:
    """A file of a folder, or of a hub repository ``org/name@revision``: from the cache, or else downloaded."""
    if Path(source).is_dir():
        return existing(Path(source), filename)[0]
    from huggingface_hub import hf_hub_download

    repo, revision = pinned(source)
    with _downloading(f"{filename} of {repo}"):
        return Path(hf_hub_download(repo, filename, revision=revision))


def fetch_folder(source: str | Path, patterns: Sequence[str] = ("*.json", "*.txt", "*.safetensors")) -> Path:
    """A folder, or a repository ``org/name@revision`` as one; no pickles, unless ``patterns`` ask."""
    if Path(source).is_dir():
        return Path(source)
    from huggingface_hub import snapshot_download

    repo, revision = pinned(source)
    with _downloading(f"of {repo}"):
        return Path(snapshot_download(repo, revision=revision, allow_patterns=list(patterns)))


def pinned(source: str | Path) -> tuple[str, str]:
    """``org/name@revision`` in two; a repository without a revision could change under a stored score."""
    repo, _, revision = str(source).partition("@")
    if repo.count("/") != 1:
        raise InputError(f"{source} is neither a folder nor a hub repository with its revision (org/name@revision).")
    if not revision:
        raise InputError(
            f"No revision of {repo} is pinned, so its scores could change unseen: write {repo}@REVISION in the registry, "
            "with a commit of the hub that you trust."
        )
    return repo, revision


@contextmanager
def _downloading(what: str) -> Iterator[None]:
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        yield
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise unreachable(what) from error


def fetch_url(url: str, file: Path) -> Path:
    """A file that only lives at a web address, downloaded to ``file`` once."""
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(file), progress=False)
        except OSError as error:
            raise unreachable(file.name) from error
    return file


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


def unreachable(what: str) -> InputError:
    """The one sentence for weights that are neither on this machine nor within reach."""
    return InputError(
        f"The weights {what} are not on this machine and could not be downloaded; connect once to fetch them."
    )


def existing(folder: Path, *names: str) -> list[Path]:
    """The named files of a folder, or one sentence about the first that is missing."""
    for name in names:
        if not (folder / name).is_file():
            raise InputError(f"{folder} has no {name}, so it is not a folder of scorer weights; point to one that has.")
    return [folder / name for name in names]
