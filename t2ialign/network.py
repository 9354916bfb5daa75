"""The network as this process finds it: asked once for each address, then believed; and downloads that go on where they broke.

Without it, or with ``HF_HUB_OFFLINE``, libraries are told so and read what is on this machine, without retries and waiting.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock

from t2ialign.types import InputError

PATIENCE = 3.0  # seconds for the one question whether somebody answers
STALLED = 20.0  # seconds without a byte after which a download counts as broken
TRIES = 3  # in a row without a new byte
CHUNK = 1 << 20
_NOTICED: dict[str, str] = {}  # by origin, for as long as this process lives
Show = Callable[[int, int | None], None]
"""Hears how many bytes of how many are here (None: nobody said how many)."""


def unwatched(done: int, total: int | None) -> None:
    """For callers who do not watch."""


def why_offline(url: str = "") -> str:
    """Why an address (by default the Hub) is out of reach, in a few words; empty where it answers.

    Each host is asked once, with a short patience. Where the Hub does not answer, its libraries are told, so that none of
    them tries again.
    """
    from huggingface_hub import constants

    place = urlsplit(url or constants.ENDPOINT)
    origin = f"{place.scheme}://{place.netloc}"
    if constants.is_offline_mode():
        return _NOTICED.get(origin) or "HF_HUB_OFFLINE is set"
    if origin not in _NOTICED:
        _NOTICED[origin] = _silence(origin)
    if _NOTICED[origin] and not url:
        constants.HF_HUB_OFFLINE = True
    return _NOTICED[origin]


def _silence(origin: str) -> str:
    """Why nobody answers at an origin; any answer will do."""
    from huggingface_hub import get_session

    try:
        get_session().head(origin, timeout=PATIENCE, follow_redirects=False)
    except Exception as error:  # what a missing network raises is spread over several libraries
        return f"{urlsplit(origin).netloc}: {_reason(error)}"
    return ""


@dataclass(frozen=True)
class Digest:
    """What a file's bytes must hash to, or begin to: ``sha256``, or ``git`` for what git's own objects are named by."""

    kind: str
    value: str

    def fits(self, file: Path) -> bool:
        if self.kind == "git":
            found = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
        else:
            found = hashlib.sha256()
        with file.open("rb") as stream:
            while block := stream.read(CHUNK):
                found.update(block)
        return found.hexdigest().startswith(self.value)


@dataclass(frozen=True)
class Download:
    """A file to fetch, which people know by ``name``; ``size`` in bytes and ``digest`` where whoever offers it states them."""

    name: str
    url: str
    file: Path
    size: int | None = None
    digest: Digest | None = None
    headers: Mapping[str, str] | None = None


def fetch(wanted: Download, show: Show = unwatched) -> Path:
    """The file, whole and checked. What an earlier try left in ``NAME.part`` is not fetched again.

    Raises:
        InputError: out of reach, refused, a full disk, or bytes that are not what was promised.
    """
    wanted.file.parent.mkdir(parents=True, exist_ok=True)
    part = wanted.file.with_name(f"{wanted.file.name}.part")
    with reaching(wanted.name, wanted.url), FileLock(f"{part}.lock"):
        if not wanted.file.is_file():
            _fill(wanted, part, show)
            if wanted.digest and not wanted.digest.fits(part):
                part.unlink()
                raise InputError(
                    f"{wanted.name} arrived damaged (it is not what {_host(wanted.url)} promised): fetch it again."
                )
            os.replace(part, wanted.file)
    Path(f"{part}.lock").unlink(missing_ok=True)
    return wanted.file


def _fill(wanted: Download, part: Path, show: Show) -> None:
    """Streams until all of it is there; a broken stream is taken up again while bytes come."""
    tries = 0
    while True:
        before = _size(part)
        if wanted.size is not None and before > wanted.size:
            part.unlink()  # another file's beginning
            before = 0
        if wanted.size is not None and before == wanted.size > 0:
            return
        _check_room(part.parent, (wanted.size or before) - before)
        try:
            _stream(wanted, part, before, show)
            return
        except OSError:  # refused, or no room
            raise
        except Exception:  # a broken connection
            tries = 0 if _size(part) > before else tries + 1
            if tries >= TRIES:
                raise
            time.sleep(0.5 * tries)


def _stream(wanted: Download, part: Path, have: int, show: Show) -> None:
    from huggingface_hub import get_session, hf_raise_for_status

    ask = {**(wanted.headers or {}), "Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    with get_session().stream("GET", wanted.url, headers=ask, timeout=STALLED, follow_redirects=True) as answer:
        if answer.status_code == 416:  # what is here is no beginning of what is there
            part.unlink()
            raise RuntimeError(f"{have} bytes are more than there are")
        hf_raise_for_status(answer)
        have = have if answer.status_code == 206 else 0
        said = answer.headers.get("content-length")
        total = wanted.size or (int(said) + have if said else None)
        with part.open("ab" if have else "wb") as file:
            for chunk in answer.iter_bytes(CHUNK):
                file.write(chunk)
                have += len(chunk)
                show(have, total)
    if total is not None and have != total:
        raise RuntimeError(f"{have} of {total} bytes came")


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"{in_bytes(needed)} are still to come, and the disk of {folder} has {in_bytes(free)} left: make room there."
        )


def in_bytes(count: int) -> str:
    """A number of bytes as people say it: 3.9 GB, 605 MB, 12 kB."""
    if count >= 10**9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 10**6 else f"{count / 1e3:.0f} kB"


@contextmanager
def reaching(what: str, where: str) -> Iterator[None]:
    """Around what fetches ``what`` from an address: whatever goes wrong becomes one sentence that says how to mend it.

    Raises:
        InputError: instead of what a library raised; sentences of our own pass as they are.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # what a network raises is spread over several libraries
        raise InputError(_sentence(what, where, error)) from error


@contextmanager
def without_bars() -> Iterator[None]:
    """The Hub's own progress bars would only tear the caller's apart."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    shown = not are_progress_bars_disabled()
    if shown:
        disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            enable_progress_bars()


def _sentence(what: str, where: str, error: Exception) -> str:
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    host = _host(where)
    log_in = "log in with `hf auth login`"
    if isinstance(error, GatedRepoError):
        return f"{host} gives {what} only to who accepted its licence: accept it there, {log_in}, and ask again."
    if isinstance(error, RepositoryNotFoundError):
        return f"{host} knows no {what}, or shows it only to who logs in: mend its name, or {log_in}."
    if isinstance(error, RevisionNotFoundError):
        return f"{host} has no such revision of {what}: mend it in the registry."
    if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        return f"{host} has no {what} (any more): mend its address."
    if isinstance(error, HfHubHTTPError):
        return f"{host} does not give out {what} ({_answer(error)}): try again later, or {log_in}."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk is full, and {what} is not all here: make room; the same command then goes on where it stopped."
        )
    broke = f"The connection to {host} broke while {what} came ({_reason(error)})"
    return f"{broke}: the same command goes on where it stopped."


def _answer(error: Any) -> str:
    return f"{error.response.status_code} {error.response.reason_phrase}".strip()


def _host(url: str) -> str:
    return urlsplit(url).netloc or url


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:120] or type(error).__name__
