"""Files that are there whole or not at all, and whatever others wrote read with one sentence where it cannot be."""

from __future__ import annotations

import codecs
import json
import os
import re
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from t2ialign.types import InputError

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})  # how their names end
SPLITS = {  # the words by which the library `datasets` knows a split (its data_files.py), the first that stands in a path
    name: re.compile(rf"(?:^|[-._ 0-9/])(?:{words})(?:[-._ 0-9/]|$)")
    for name, words in {
        "test": "test|testing|eval|evaluation",
        "validation": "validation|valid|val|dev",
        "train": "train|training",
    }.items()
}
AN_OBJECT = re.compile(r" ?<[\w.]+ object at 0x[0-9a-f]+>")  # as libraries call what has no name
Say = Callable[[str], None]
"""Where a reader says, in whole sentences, what it left out or took otherwise: a list's ``append``, mostly."""


def unsaid(sentence: str) -> None:
    """For callers who do not want to know."""


def split_of(path: str) -> str:
    """The split that a path's words name: ``train``, ``validation`` or ``test``; empty where they name none."""
    return next((name for name, word in SPLITS.items() if word.search(path.lower())), "")


@contextmanager
def foreign(what: str, mend: str) -> Iterator[None]:
    """Around what reads bytes that others wrote: whatever a library raises there becomes "``what`` (why): ``mend``."

    Decoders raise far more than they document (Pillow alone seven kinds), so this is the one place that catches all of it.
    Sentences of our own pass as they are.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = AN_OBJECT.sub("", str(error)).strip().partition("\n")[0][:200] or type(error).__name__
        raise InputError(f"{what} ({reason}): {mend}.") from error


def text_of(data: bytes) -> str:
    """Bytes that others wrote as text: UTF-8, with or without its mark, or UTF-16 with its mark, as spreadsheets save it.

    Raises:
        UnicodeDecodeError: neither.
    """
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if marked else "utf-8-sig")


def columns_hint(header: str) -> str:
    """What to do about a first line whose columns seem to be separated by something else than commas; "" where they are not."""
    other = next((name for mark, name in ((";", "semicolons"), ("\t", "tabs")) if mark in header), "")
    return f"; its columns are separated by {other}: save it with commas" if other and "," not in header else ""


def write_whole(path: Path, data: bytes, sync: bool = False) -> None:
    """Write a file under a temporary name and rename it: it is there whole or not at all (``sync``: and on disk)."""
    with whole_file(path, sync) as part:
        part.write_bytes(data)


def read_json(path: Path, what: str, mend: str) -> Any:
    """A JSON file that others may have written; ``what`` and ``mend`` as in ``foreign``.

    Refuses, besides what is no JSON, texts that are none (lone surrogates, which no page or file could hold).

    Raises:
        FileNotFoundError: there is none.
        InputError: it cannot be read.
    """
    return json_of(bytes_of(path, what, mend), what, mend)


def bytes_of(path: Path, what: str, mend: str) -> bytes:
    """A file's bytes: the first half of ``read_json``, for callers that keep what they parsed under the bytes themselves.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{what} ({error}): {mend}.") from error


def json_of(data: bytes, what: str, mend: str) -> Any:
    """What the bytes say as JSON, the second half of ``read_json``. ``InputError``: they say none, or hold a lone surrogate."""
    with foreign(what, mend):
        found = json.loads(data.decode("utf-8"))
        json.dumps(found, ensure_ascii=False).encode()
        return found


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
