"""A worker that adds numbers: ``worker.py count STEPS MILLISECONDS --store HOME --job ID``, and others that misbehave.

It saves where it is every seven steps and goes on from there; ``result.json`` tells what it has come to.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from t2ialign.jobs.reporter import Reporter
from t2ialign.types import InputError


def save(path: Path, state: dict) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(state))
    os.replace(part, path)


def count(reporter: Reporter, steps: int, milliseconds: float) -> None:
    place = reporter.folder / "state.json"
    state = json.loads(place.read_text()) if place.exists() else {"step": 0, "total": 0, "probes": 0}
    for step in range(state["step"] + 1, steps + 1):
        time.sleep(milliseconds / 1000)
        state = {"step": step, "total": state["total"] + step, "probes": state["probes"]}
        reporter.step({"step": step, "loss": 1 / step, "total": state["total"]})
        reporter.report("training", step / steps)
        if step % 20 == 0:
            reporter.probe({"step": step, "alignment": step / steps})
        if reporter.asked():
            save(place, state)
            print(f"leaving at {step}", flush=True)
            reporter.leave()
        if step % 7 == 0:
            save(place, state)
    save(reporter.folder / "result.json", state)


def stubborn(*_: object) -> None:
    """Listens to nobody, and has a child that does not either."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"])
    print("stubborn", flush=True)
    time.sleep(600)


def main() -> None:
    what, *numbers, _, home, _, job = sys.argv[1:]
    if what == "crash":
        print("about to crash")
        raise RuntimeError("a deep reason")
    with Reporter(Path(home), job) as reporter:
        print(f"working on {job}", flush=True)
        if what == "bad":
            raise InputError("There are no pairs: choose another source.")
        {"count": count, "stubborn": stubborn}[what](reporter, *map(int, numbers))


if __name__ == "__main__":
    main()
