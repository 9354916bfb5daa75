"""How fast each backbone is on this machine: one timed evaluation, remembered for a while."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from t2ialign.registry import BackboneEntry
from t2ialign.use_cases.align.estimate import evaluation_seconds
from t2ialign.use_cases.workbench import Workbench

FRESH = 600.0  # seconds that a timing stays true: what else this machine does changes
PATIENCE = 3.0  # seconds to wait for a picture in the making


@dataclass(frozen=True)
class Paces:
    """Seconds an evaluation of a backbone; while pictures are drawn an older timing serves."""

    bench: Workbench
    _known: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, entry: BackboneEntry) -> float | None:
        """Timed while no adapter is switched on; ``None`` for a model that is busy and was never timed."""
        with self._lock:
            pace, when = self._known.get(entry.name, (None, -FRESH))
            if pace is not None and time.monotonic() - when < FRESH:
                return pace
            backbone = self.bench.backbone(entry)
            if not self.bench.sampling.acquire(timeout=PATIENCE):
                return pace
            try:
                timed = evaluation_seconds(backbone)
            finally:
                self.bench.sampling.release()
            self._known[entry.name] = (timed, time.monotonic())
            return timed
