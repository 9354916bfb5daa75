"""The tests that need a GPU, with a result that names the machine.

    python -m benchmarks.gpu_tests          # about a minute of tiny random models; skipped where there is no CUDA

Each test prints its name as it ends. The file says which passed, failed or were skipped, and why.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import torch

from benchmarks.machine import BUDGET, write_result

FILES = ("tests/diffusion/test_gpu.py", "tests/metrics/test_pairwise.py")


def outcome(case: ElementTree.Element) -> str:
    """What became of one test, with the reason where it did not pass."""
    for kind in ("failure", "error", "skipped"):
        found = case.find(kind)
        if found is not None:
            return f"{kind}: {str(found.get('message', '')).splitlines()[0][:160]}"
    return "passed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="", help="the file to write, in place of benchmarks/results")
    said = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        asked = ["-m", "gpu", "-v", "-p", "no:cacheprovider", f"--junitxml={report}", *FILES]
        code = subprocess.run([sys.executable, "-m", "pytest", *asked], timeout=BUDGET, check=False).returncode
        if not report.is_file():
            raise SystemExit(f"pytest ended with {code} and wrote no report: see above.")
        cases = list(ElementTree.parse(report).iter("testcase"))  # pytest's own file
    rows = [f"| `{case.get('name')}` | {float(case.get('time', 0)):.2f} | {outcome(case)} |" for case in cases]
    counts = Counter(outcome(case).partition(":")[0] for case in cases)
    total = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    write_result("gpu_tests", device, [f"{total}.", "", "| test | s | |", "|---|---|---|", *rows], said.out)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
