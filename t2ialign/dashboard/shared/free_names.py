"""Names for new checkpoints that nobody has yet, neither a checkpoint nor a run on its way."""

from __future__ import annotations

from t2ialign.dashboard.services import Services
from t2ialign.store.jobs import list_jobs
from t2ialign.use_cases.align.job import KIND, request_of


def free_name(services: Services, stem: str) -> str:
    """The stem, with a number where it is taken."""
    taken = {*services.checkpoints(), *(request_of(job).name for job in list_jobs(services.store, kind=KIND))}
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)
