"""Paths and the device, read from the environment exactly once, with the reason for each choice.

Environment: ``T2IALIGN_HOME`` (where the store lives), ``T2IALIGN_CHECKPOINTS`` and ``T2IALIGN_DATA`` (instead of the shipped
folders), ``T2IALIGN_DEVICE`` (``cpu``, ``cuda``, ``cuda:1``), ``T2IALIGN_OWNER_TOKEN``, ``T2IALIGN_VOTES_DATASET``
(``org/name`` on the Hub; on a Space, which ``SPACE_ID`` names, a dataset beside it).
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import platformdirs

from t2ialign.types import InputError

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent  # the checkout, or the folder that the package was installed into
INSTALLED = (PACKAGE / "shipped").is_dir()  # a wheel has these folders within the package, a checkout beside it
SHIPPED = PACKAGE / "shipped" if INSTALLED else ROOT


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
SPACE = os.environ.get("SPACE_ID", "")
VOTES_DATASET = os.environ.get("T2IALIGN_VOTES_DATASET", f"{SPACE}-votes" if SPACE else "")


def check_shipped() -> None:
    """Raises ``InputError`` where one of the two folders that come with the package is not where it is looked for."""
    for variable, folder in (("T2IALIGN_CHECKPOINTS", CHECKPOINTS), ("T2IALIGN_DATA", DATA)):
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder}: install t2ialign anew, or say in {variable} where it lies.")


@cache
def device() -> tuple[str, str]:
    """The torch device of this process and why, e.g. ``("cpu", "no CUDA device was found")``. Imports torch lazily."""
    wanted = os.environ.get("T2IALIGN_DEVICE")
    if wanted:
        return wanted, "T2IALIGN_DEVICE says so"
    import torch

    if torch.cuda.is_available():
        return "cuda", f"{torch.cuda.get_device_name()} was found"
    return "cpu", "no CUDA device was found"


def dtype_for(device_name: str) -> tuple[str, str]:
    """The default precision on a device and why: float16 is SD's published precision on CUDA, CPUs compute in float32."""
    if device_name.startswith("cuda"):
        return "float16", "half the memory and twice the speed on CUDA"
    return "float32", "CPUs have no fast half precision for convolutions"
