"""A run that stops by itself: when the fixed batch has lost too much of the diversity that it had before the first step."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from t2ialign.codec import decode, encode
from t2ialign.files import write_whole
from t2ialign.metrics import METRICS
from t2ialign.use_cases.align.probe import Probe


@dataclass(frozen=True)
class Halt:
    """The step at which a run stopped by itself, and why."""

    step: int
    reason: str


@dataclass(frozen=True)
class NarrowingRule:
    """Stops when diversity fell by more than ``percent`` (0: never); what it remembers lies in the run's ``folder``."""

    percent: float
    folder: Path

    def halted(self) -> Halt | None:
        """Where this run has stopped already."""
        path = self.folder / "halt.json"
        return decode(Halt, json.loads(path.read_bytes())) if path.is_file() else None

    def look(self, probe: Probe) -> Halt | None:
        """Where the run stops, if this probe says so; the first probe is what the others are held against."""
        first = self.folder / "diversity.json"
        if probe.step == 0 or not first.is_file():
            write_whole(first, json.dumps(encode(probe.diversity.mean)).encode(), sync=True)
            return None
        before, now = json.loads(first.read_bytes()), probe.diversity.mean
        if not self.percent or not before:
            return None
        metric = METRICS[probe.diversity_metric]
        fell = 100 * (before - now) / abs(before) * (1 if metric.higher_is_better else -1)
        if not fell > self.percent:
            return None
        reason = (
            f"Stopped at step {probe.step}: {metric.title} of the fixed batch had fallen by {fell:.0f} %, more than "
            f"{self.percent:g} %."
        )
        found = Halt(probe.step, reason)
        write_whole(self.folder / "halt.json", json.dumps(encode(found)).encode(), sync=True)
        return found
