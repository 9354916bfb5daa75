"""Paths and the device, read from the environment exactly once, with the reason for each choice.

Environment: ``T2IALIGN_HOME`` (where the store lives), ``T2IALIGN_CHECKPOINTS`` and ``T2IALIGN_DATA`` (instead of the shipped
folders), ``T2IALIGN_DEVICE`` (``cpu``, ``cuda``, ``cuda:1``, ``mps``), ``T2IALIGN_COMPILE``
(``default``, ``reduce-overhead`` or ``max-autotune``: torch compiles the network), ``T2IALIGN_OWNER_TOKEN``,
``T2IALIGN_OWNERS`` (names of the Hub, separated by commas, who are owners once they have signed in on a Space),
``T2IALIGN_VOTES_DATASET`` (``org/name`` on the Hub; on a Space, which ``SPACE_ID`` names, a dataset beside it),
``T2IALIGN_RESULTS_DATASET`` (the same for pictures, scores and adapters; unset, they are not kept), and those of
``VisitorLimits``.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import platformdirs

from t2ialign.types import InputError

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent  # the checkout, or the folder that the package was installed into
INSTALLED = (PACKAGE / "shipped").is_dir()  # a wheel has these folders within the package, a checkout beside it
SHIPPED = PACKAGE / "shipped" if INSTALLED else ROOT

STORE = "t2ialign.duckdb"  # in its folder
SCORES = "batch_scores"  # of a store's tables that without which there is nothing to read


def expanded(path: str | Path) -> Path:
    """A path whose ``~`` is the home directory, where no shell has seen to it; an unknown user's stays as it is."""
    return Path(os.path.expanduser(path))  # pathlib's own raises for unknown users


def _folder(variable: str, usual: Path) -> Path:
    """A folder from the environment; empty means unset."""
    return expanded(os.environ.get(variable) or usual)


CHECKPOINTS = _folder("T2IALIGN_CHECKPOINTS", SHIPPED / "checkpoints")
DATA = _folder("T2IALIGN_DATA", SHIPPED / "data")
HOME = _folder("T2IALIGN_HOME", platformdirs.user_data_path("t2ialign", appauthor=False))
OWNER_TOKEN = os.environ.get("T2IALIGN_OWNER_TOKEN", "")
OWNERS = tuple(name.strip() for name in os.environ.get("T2IALIGN_OWNERS", "").split(",") if name.strip())
SPACE = os.environ.get("SPACE_ID", "")
LENT_GPU = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")  # lent for a call at a time
RESULTS_DATASET = os.environ.get("T2IALIGN_RESULTS_DATASET", "")
VOTES_DATASET = os.environ.get("T2IALIGN_VOTES_DATASET", f"{SPACE}-votes" if SPACE else "")


def check_shipped() -> None:
    """Raises ``InputError`` where one of the two folders that come with the package is not where it is looked for."""
    for variable, folder in (("T2IALIGN_CHECKPOINTS", CHECKPOINTS), ("T2IALIGN_DATA", DATA)):
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder}: install t2ialign anew, or say in {variable} where it lies.")


@dataclass(frozen=True)
class VisitorLimits:
    """What everybody but the owner may ask of a server that has strangers. ``T2IALIGN_VISITOR_RUNS`` and so on.

    ``queue``: runs that wait or work at a time, whoever asked; ``runs``: of these, one address' own; ``seeds`` and ``steps``:
    of one batch; ``work``: pictures times steps that one address may ask for in an hour, ``day``: all addresses together in
    a day; ``requests``: of one address to the API in a minute; ``events``: of one address in a minute of any kind but files
    of the page; ``surveys``: that one address may begin in an hour, quick votes that it may give and files that it may take;
    ``upload_mb``: the largest request that is taken, in megabytes; ``sent_mb``: all that one address may send in an hour;
    ``disk_mb``: what pictures may take before those that were longest not looked at go, if nothing needs them.
    """

    queue: int = 8
    runs: int = 2
    seeds: int = 64
    steps: int = 100
    work: int = 40_000
    day: int = 1_000_000
    requests: int = 120
    events: int = 6000
    surveys: int = 60
    upload_mb: int = 32
    sent_mb: int = 640
    disk_mb: int = 20_000


@cache
def visitor_limits() -> VisitorLimits:
    """The limits as the environment has them. ``InputError`` for what is no whole number of at least 1."""
    usual = asdict(VisitorLimits())
    return VisitorLimits(**{name: _positive(f"T2IALIGN_VISITOR_{name.upper()}", usual[name]) for name in usual})


def _positive(variable: str, usual: int) -> int:
    said = os.environ.get(variable) or str(usual)
    if not (said.isascii() and said.isdecimal() and 0 < int(said) < 10**12):
        raise InputError(
            f"{variable} is {said[:20]!r}: give a whole number of at least 1, or leave it unset for {usual}."
        )
    return int(said)


@cache
def device() -> tuple[str, str]:
    """The torch device of this process and why, e.g. ``("cpu", "no CUDA device was found")``. Imports torch lazily."""
    wanted = os.environ.get("T2IALIGN_DEVICE")
    if wanted:
        return wanted, "T2IALIGN_DEVICE says so"
    import torch

    if torch.cuda.is_available():
        return "cuda", f"{torch.cuda.get_device_name()} was found"
    if torch.backends.mps.is_available():
        return "mps", "Apple's GPU was found"
    return "cpu", "no CUDA device was found"


def part() -> tuple[int, int]:
    """Which of how many processes this one is, as the command `spread` tells it (``T2IALIGN_PART``, ``0/2``); (0, 1) alone."""
    said = os.environ.get("T2IALIGN_PART") or "0/1"
    index, _, of = said.partition("/")
    if not (index.isdecimal() and of.isdecimal() and int(index) < int(of)):
        raise InputError(f"T2IALIGN_PART is {said[:20]!r}: it is written as 0/2, or left unset.")
    return int(index), int(of)


def compile_mode() -> str:
    """How torch compiles a backbone's network (``T2IALIGN_COMPILE``); "" not at all, as it is unless somebody says so."""
    return os.environ.get("T2IALIGN_COMPILE", "")


def dtype_for(device_name: str) -> tuple[str, str]:
    """The default precision on a device and why: float16 is SD's published precision on CUDA, CPUs compute in float32."""
    if device_name.startswith("cuda"):
        return "float16", "half the memory and twice the speed on CUDA"
    if device_name.startswith("mps"):
        return "float32", "half precision was not tried on this device"
    return "float32", "CPUs have no fast half precision for convolutions"


def is_tables(place: str) -> bool:
    """Whether a place holds tables to be read where they lie, instead of a store: an address, or a folder of Parquet files."""
    if "://" in place:
        return True
    folder = Path(place)
    here = [folder, *sorted(folder.iterdir())] if folder.is_dir() and not (folder / STORE).exists() else []
    return any((one / f"{SCORES}.parquet").is_file() for one in here)
