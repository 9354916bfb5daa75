"""SD-1.5 at its full size with random weights, from the Hub's cache to a scored picture: by hand, for it takes minutes.

T2IALIGN_FULL_SIZE=1 python -m pytest tests/use_cases/test_full_size.py -s     # 6 GB of memory, 2 GB of disk
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif("T2IALIGN_FULL_SIZE" not in os.environ, reason="takes minutes: set T2IALIGN_FULL_SIZE=1"),
]
ROOT = Path(__file__).parents[2]
BUILD = """
import sys
from pathlib import Path
from benchmarks.gpu import in_hub_layout, pipeline
from t2ialign import torchvision_guard
torchvision_guard.install()
from t2ialign.registry import load_registry
entry, place = load_registry().backbones["sd-1.5"], Path(sys.argv[1])
in_hub_layout(pipeline("sd", place / "made", 1), entry, None, place / "hub")
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder of the caller's (``T2IALIGN_FULL_SIZE=FOLDER``), where it is found again, or a temporary one."""
    asked = Path(os.environ["T2IALIGN_FULL_SIZE"])
    found = asked if asked.is_absolute() else tmp_path_factory.mktemp("full")
    if not (found / "hub").is_dir():
        said = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", BUILD, str(found)], cwd=ROOT, env=said, check=True)
    return found


def test_a_picture_of_full_size_is_drawn_and_scored(place: Path) -> None:
    """Two steps of one seed; a metric without weights is left out with its reason, and the picture and the others come."""
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HF_HUB_CACHE": str(place / "hub"),
        "HF_HUB_OFFLINE": "1",
        "T2IALIGN_HOME": str(place / "home"),
        "T2IALIGN_DEVICE": "cpu",
    }
    asked = ("a lighthouse at dusk", "--checkpoint", "sd-1.5", "--seeds", "0-0", "--steps", "2", "--json")
    begun = time.monotonic()
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "t2ialign",
            "generate",
            *asked,
            "--metrics",
            "entropy_1d,clip_score",
            "--out",
            place / "out",
        ],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
    )
    spent = time.monotonic() - begun
    assert found.returncode == 0, found.stderr[-2000:]
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"\n{spent:.0f} s and {memory:.1f} GiB at most, the process's start and loading included")
    assert "clip_score" in found.stderr + found.stdout and "not on this machine" in found.stderr + found.stdout
    assert json.loads(found.stdout)
    assert len(list((place / "out").rglob("*.png"))) == 1
