"""Where an encoder's weights come from and who they are: files, pinned hub downloads, SHA-256 identities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from t2ialign.types import InputError


@cache
def _file_sha(path: Path, modified: int, size: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_sha(path: Path) -> str:
    """SHA-256 of a file, remembered until the file changes (hashing gigabytes takes seconds)."""
    facts = path.stat()
    return _file_sha(path.resolve(), facts.st_mtime_ns, facts.st_size)


def identity(paths: Iterable[Path]) -> str:
    """First 16 hex digits of the SHA-256 over the files' own digests, in the order given: an encoder's ``sha``."""
    return hashlib.sha256("".join(file_sha(path) for path in paths).encode()).hexdigest()[:16]


def fetch(repo: str, filename: str, revision: str) -> Path:
    """A file of a hub repository at a pinned revision, from the local cache or else downloaded."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(repo, filename, revision=revision))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise unreachable(f"{filename} of {repo}") from error


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
