"""What a training run will cost on this machine, from one timed evaluation of the model that is then remembered."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.dashboard.shared.paces import Paces
from t2ialign.dashboard.shared.words import duration
from t2ialign.types import InputError
from t2ialign.use_cases.align.estimate import costs
from t2ialign.use_cases.align.request import AlignRequest, Plan, plan

NAMES = {"pictures": "sampling pictures", "training": "training", "scoring": "comparing it with its parent"}


@dataclass(frozen=True)
class TrainingCosts:
    """The cost of a request, by how fast its backbone is here."""

    paces: Paces

    def words(self, request: AlignRequest) -> str:
        """``About 3 min on this CPU: 40 s sampling pictures, 2 min training.``

        Raises:
            InputError: the request cannot be trained, or the model is busy.
        """
        bench, found = self.paces.bench, plan(self.paces.bench, request)
        phases = costs(bench, found, self._pace(found)).phases
        parts = [f"{duration(phases[name])} {words}" for name, words in NAMES.items() if phases[name] >= 1]
        device = "this CPU" if bench.device == "cpu" else f"this {bench.device.partition(':')[0].upper()} device"
        return f"About {duration(sum(phases.values()))} on {device}: {', '.join(parts)}."

    def _pace(self, found: Plan) -> float:
        pace = self.paces.of(found.entry)
        if pace is None:
            raise InputError("The model is drawing pictures now. Change anything here once it is free to see the cost.")
        return pace
