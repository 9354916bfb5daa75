"""What the page shows of a training job: its row as it stands, and everything that its worker has measured so far."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from t2ialign.dashboard.services import Services
from t2ialign.job_record import Job
from t2ialign.names import NAME
from t2ialign.types import InputError, TrainStep
from t2ialign.use_cases.align.job import KIND, LIVE, probes_of, request_of, steps_of
from t2ialign.use_cases.align.manifest import TrainingManifest, find_manifest
from t2ialign.use_cases.align.probe import Probe
from t2ialign.use_cases.align.request import AlignRequest, plan


@dataclass(frozen=True)
class TrainingJobState:
    """A job with its records; ``total`` is the number of steps that it will have made at its end, 0 if unknown.

    ``manifest`` is that of its checkpoint, None where there is none or where a ``problem`` keeps it from being read.
    """

    job: Job
    request: AlignRequest
    steps: Sequence[TrainStep]
    probes: Sequence[Probe]
    total: int
    ahead: int
    manifest: TrainingManifest | None = None
    problem: str = ""

    @property
    def live(self) -> bool:
        return self.job.status in LIVE

    @property
    def step(self) -> int:
        return self.steps[-1].step if self.steps else 0

    @property
    def mark(self) -> str:
        """A text that differs from the last one whenever the page would show something else."""
        job, progress = self.job, self.job.progress
        scored = self.manifest is not None and self.manifest.scores is not None
        return f"{job.id} {job.status} {job.asked} {progress.phase} {progress.fraction:.3f} {self.measured} {scored}"

    @property
    def measured(self) -> str:
        """A text that differs from the last one whenever a curve would."""
        return f"{self.job.id} {len(self.steps)} {self.step} {len(self.probes)}"


@dataclass
class _Known:
    steps: list[TrainStep] = field(default_factory=list)
    total: int = 0


@dataclass(frozen=True)
class Watch:
    """Remembers what was read of each job, so that a look reads only what is new."""

    services: Services
    _known: dict[str, _Known] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, job_id: str) -> TrainingJobState:
        """A job as it stands.

        Raises:
            InputError: there is no such job, or it trains nothing.
        """
        job = self.services.supervisor.job(job_id)
        if job.kind != KIND:
            raise InputError(f"Job {job.id} is no training run.")
        request = request_of(job)
        known = self._read(job, request)
        measured = probes_of(self.services.store, job.id)
        ahead, (manifest, problem) = self._ahead(job), self._manifest(job, request)
        return TrainingJobState(job, request, tuple(known.steps), measured, known.total, ahead, manifest, problem)

    def trainings(self) -> list[Job]:
        """All training jobs, oldest first."""
        return [job for job in self.services.supervisor.jobs() if job.kind == KIND]

    def _read(self, job: Job, request: AlignRequest) -> _Known:
        with self._lock:
            known = self._known.setdefault(job.id, _Known())
            after = known.steps[-1].step if known.steps else -1
            for step in steps_of(self.services.store, job.id, after):
                known.steps.append(replace(step, log_ratios=((), ())))  # single pairs' numbers are the Theory page's
            known.total = known.total or self._total(request)
            return _Known(list(known.steps), known.total)

    def _total(self, request: AlignRequest) -> int:
        try:
            made = plan(self.services.bench, request)
        except InputError:  # its parent is gone
            return 0
        return made.steps * made.rounds

    def _manifest(self, job: Job, request: AlignRequest) -> tuple[TrainingManifest | None, str]:
        """The manifest that a finished job has left, or why it cannot be read."""
        if job.status != "done" or not NAME.fullmatch(request.name):
            return None, ""
        try:
            return find_manifest(self.services.bench.home / "checkpoints" / request.name), ""
        except InputError as error:
            return None, str(error)

    def _ahead(self, job: Job) -> int:
        """Jobs that run on, or wait for, the same device before this one."""
        if job.status != "queued":
            return 0
        others = (one for one in self.services.supervisor.jobs() if one.device == job.device and one.id != job.id)
        return sum(one.status == "running" or (one.status == "queued" and one.created < job.created) for one in others)
