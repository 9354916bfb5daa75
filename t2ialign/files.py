"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from t2ialign.types import InputError


def write_whole(path: Path, data: bytes, sync: bool = False) -> None:
    """Write a file under a temporary name and rename it: it is there whole or not at all (``sync``: and on disk)."""
    with whole_file(path, sync) as part:
        part.write_bytes(data)


@contextmanager
def whole_file(path: Path, sync: bool = False) -> Iterator[Path]:
    """A temporary name to write a file under, which becomes ``path`` when the block ends well, and else is gone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        yield part
        if sync:
            with part.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def writable(folder: Path) -> Path:
    """The folder itself, made where it is missing, once it is known that files can be written into it.

    Raises:
        InputError: it cannot be made, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise InputError(f"Nothing can be written to '{folder}' ({error.strerror}): choose another folder.") from error
