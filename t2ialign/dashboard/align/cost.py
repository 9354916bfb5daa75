"""What a training run will cost on this machine, from one timed evaluation of the model that is then remembered."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from t2ialign.dashboard.shared.words import duration
from t2ialign.types import InputError
from t2ialign.use_cases.align.estimate import costs, evaluation_seconds
from t2ialign.use_cases.align.request import AlignRequest, Plan, plan
from t2ialign.use_cases.workbench import Workbench

FRESH = 600.0  # seconds that a timing stays true: what else this machine does changes
PATIENCE = 3.0  # seconds to wait for a picture in the making
NAMES = {"pictures": "sampling pictures", "training": "training", "scoring": "comparing it with its parent"}


@dataclass(frozen=True)
class Costing:
    """Remembers how fast each backbone is here."""

    bench: Workbench
    _paces: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def words(self, request: AlignRequest) -> str:
        """``About 3 min on this CPU: 40 s sampling pictures, 2 min training.``

        Raises:
            InputError: the request cannot be trained, or the model is busy.
        """
        found = plan(self.bench, request)
        phases = costs(self.bench, found, self._pace(found)).phases
        parts = [f"{duration(phases[name])} {words}" for name, words in NAMES.items() if phases[name] >= 1]
        device = (
            "this CPU" if self.bench.device == "cpu" else f"this {self.bench.device.partition(':')[0].upper()} device"
        )
        return f"About {duration(sum(phases.values()))} on {device}: {', '.join(parts)}."

    def _pace(self, found: Plan) -> float:
        """Seconds an evaluation; timed while no adapter is switched on."""
        with self._lock:
            pace, when = self._paces.get(found.entry.name, (0.0, -FRESH))
            if time.monotonic() - when < FRESH:
                return pace
            backbone = self.bench.backbone(found.entry)
            if not self.bench.sampling.acquire(timeout=PATIENCE):
                raise InputError("The model is drawing pictures now: the estimate comes when it is free.")
            try:
                pace = evaluation_seconds(backbone)
            finally:
                self.bench.sampling.release()
            self._paces[found.entry.name] = (pace, time.monotonic())
            return pace
