"""What a sweep will cost on this machine, from one timed evaluation of each model that is then remembered."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.dashboard.shared.paces import Paces
from t2ialign.registry import BackboneEntry
from t2ialign.use_cases.sweeps.estimate import SweepEstimate, estimate
from t2ialign.use_cases.sweeps.plan import SweepPlan


@dataclass(frozen=True)
class SweepCosts:
    """The cost of a plan; how fast a model is that would first be fetched, or is busy, nobody knows."""

    paces: Paces

    def of(self, plan: SweepPlan) -> SweepEstimate:
        """The estimate of a plan."""
        return estimate(self.paces.bench, plan, self._pace)

    def _pace(self, entry: BackboneEntry) -> float | None:
        return None if isinstance(entry.source, str) else self.paces.of(entry)
