"""How long a training run still takes, said anew at every step."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from t2ialign.use_cases.align.estimate import TrainingEstimate

RECENT = 60.0  # seconds over which the pace of a phase is taken


class Clock:
    """How much of the predicted work is done, and what the rest will take at the pace so far.

    The phase at work goes on at the pace of its last minute or so, which follows a machine that others begin to use;
    later phases take what was predicted for them, at the pace of everything so far.
    """

    def __init__(self, predicted: TrainingEstimate, now: Callable[[], float] = time.monotonic) -> None:
        self._phases = {phase: max(seconds, 1e-3) for phase, seconds in predicted.phases.items()}
        self._done = dict.fromkeys(self._phases, 0.0)
        self._now = now
        self._started = now()
        self._skipped = 0.0
        self._recent: deque[tuple[str, float, float]] = deque()  # phase, moment, predicted seconds worked

    @property
    def seconds(self) -> float:
        return self._now() - self._started

    def at(self, phase: str, done: float, fresh: bool = True) -> tuple[float, float]:
        """Notes the finished share of a phase; returns that of the whole run, and the seconds to go.

        Work that was found rather than done (``fresh`` False) says nothing about the pace.
        """
        before = self._work()
        self._done[phase] = max(self._done[phase], min(done, 1.0))
        work, total = self._work(), sum(self._phases.values())
        if not fresh:
            self._skipped += work - before
        worked = work - self._skipped
        pace = self.seconds / worked if worked > 0.02 * total and self.seconds > 2 else 1.0
        left = self._phases[phase] * (1 - self._done[phase])
        return work / total, left * self._pace(phase, worked, pace) + (total - work - left) * pace

    def _pace(self, phase: str, worked: float, usual: float) -> float:
        """Seconds for each predicted second, over the last ``RECENT`` seconds of this phase; ``usual`` before that."""
        moment = self._now()
        self._recent.append((phase, moment, worked))
        while self._recent[0][0] != phase or (len(self._recent) > 2 and moment - self._recent[1][1] >= RECENT):
            self._recent.popleft()
        _, then, had = self._recent[0]
        known = moment - then >= RECENT / 4 and worked - had > 1e-3
        return (moment - then) / (worked - had) if known else usual

    def _work(self) -> float:
        return sum(seconds * self._done[phase] for phase, seconds in self._phases.items())
