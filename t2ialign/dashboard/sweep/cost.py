"""What a sweep will cost on this machine, from one timed evaluation of each model that is then remembered."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from t2ialign.registry import BackboneEntry
from t2ialign.use_cases.align.estimate import evaluation_seconds
from t2ialign.use_cases.sweeps.estimate import SweepEstimate, estimate
from t2ialign.use_cases.sweeps.plan import SweepPlan
from t2ialign.use_cases.workbench import Workbench

FRESH = 600.0  # seconds that a timing stays true
PATIENCE = 3.0  # seconds to wait for a picture in the making


@dataclass(frozen=True)
class Costing:
    """Remembers how fast each backbone is here; one that would first be fetched, or is busy, nobody knows."""

    bench: Workbench
    _paces: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, plan: SweepPlan) -> SweepEstimate:
        """The estimate of a plan."""
        return estimate(self.bench, plan, self._pace)

    def _pace(self, entry: BackboneEntry) -> float | None:
        if isinstance(entry.source, str):
            return None
        with self._lock:
            pace, when = self._paces.get(entry.name, (0.0, -FRESH))
            if time.monotonic() - when < FRESH:
                return pace
            backbone = self.bench.backbone(entry)
            if not self.bench.sampling.acquire(timeout=PATIENCE):
                return None
            try:
                pace = evaluation_seconds(backbone)
            finally:
                self.bench.sampling.release()
            self._paces[entry.name] = (pace, time.monotonic())
            return pace
