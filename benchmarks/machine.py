"""What the GPU benchmarks share: a machine's name, a clock that ends in time, and a result file that names the machine."""

from __future__ import annotations

import datetime
import platform
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"
BUDGET = 420.0  # seconds: under eight minutes with the start of Python and the last round


@dataclass(frozen=True)
class Clock:
    """Says how far a benchmark is, and whether more work fits into its seconds."""

    budget: float
    begun: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> float:
        return time.monotonic() - self.begun

    def fits(self, work: float) -> bool:
        """Whether so many seconds of work still end in time."""
        return self.spent + work <= self.budget

    def say(self, what: str) -> None:
        print(f"[{self.spent:4.0f} s, at most {self.budget:.0f} s] {what}", flush=True)


def machine(device: str) -> str:
    """The name of the device, of the processor where it is a CPU."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    names = re.findall(r"model name\s*:\s*(.+)", _read(Path("/proc/cpuinfo")))
    return names[0] if names else platform.processor() or platform.machine()


def described(device: str) -> str:
    """The machine with what it runs, in one line."""
    memory = torch.cuda.get_device_properties(0).total_memory / 1e9 if device.startswith("cuda") else 0
    gigabytes = f", {memory:.0f} GB" if memory else f", {torch.get_num_threads()} threads"
    today = datetime.datetime.now(tz=datetime.UTC).date()
    return f"{machine(device)}{gigabytes}, torch {torch.__version__}, Python {platform.python_version()}, {today}"


def write_result(script: str, device: str, lines: list[str], out: str = "") -> Path:
    """Writes what a script found to ``benchmarks/results/SCRIPT-MACHINE.md``, or to ``out``, and says where."""
    slug = re.sub(r"[^a-z0-9]+", "-", machine(device).lower()).strip("-")
    file = Path(out) if out else RESULTS / f"{script}-{slug}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([f"# {script}", "", described(device), "", *lines]) + "\n", encoding="utf-8")
    print(f"Written to {file}.", flush=True)
    return file


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
