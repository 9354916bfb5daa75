"""Training jobs that never ran: rows, steps and probes as a worker would leave them."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import torch

from t2ialign.job_record import Job, JobProgress, request_in
from t2ialign.store import Store, ingest_inbox
from t2ialign.store.inbox import post_shard
from t2ialign.store.jobs import add_job, measurements, now
from t2ialign.types import TrainStep

COMMAND = ("align", "f_dpo", "--divergence", "js", "--beta", "2", "--name", "dpo_js")


def train_step(step: int, pairs: int = 8) -> TrainStep:
    """Winners rise and losers fall with the square root of time, with some noise."""
    draw = torch.Generator().manual_seed(step)
    spread, way = 0.02 + 0.05 * math.sqrt(step), 0.09 * math.sqrt(step)
    win = way * 0.6 + spread * torch.randn(pairs, generator=draw)
    lose = -way + spread * torch.randn(pairs, generator=draw)
    ends = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])
    margin = win - lose
    return TrainStep(
        step=step,
        loss=float(torch.nn.functional.softplus(-margin).mean()),
        accuracy=float((margin > 0).float().mean()),
        log_ratio_quantiles=(tuple(win.quantile(ends).tolist()), tuple(lose.quantile(ends).tolist())),
        error_win=-0.001 * way,
        error_lose=0.001 * way,
        clamp_share=0.0,
        grad_norm=1.0,
        learning_rate=1e-3,
        seconds=0.1,
        log_ratios=(tuple(win.tolist()), tuple(lose.tolist())),
    )


def add_training(
    store: Store,
    job: str = "align-1",
    steps: int = 40,
    status: str = "done",
    title: str = "dpo_js",
    parent: str = "",
    command: Sequence[str] = COMMAND,
    **more: Any,
) -> Job:
    """A job with that many stored steps."""
    started = now() - timedelta(minutes=5)
    progress = JobProgress("training" if status == "running" else "", 0.5, 30.0, steps, time.time())
    times = {"created": started, "started": started, "ended": now() if status in ("done", "failed") else None}
    row = Job(
        job,
        title,
        "align",
        "cpu",
        tuple(command),
        status=status,
        parent=parent,
        progress=progress,
        request=request_in("align", command),
        **times,
        **more,
    )
    add_job(store, row)
    add_records(store, job, "train_steps", [dataclasses.asdict(train_step(step)) for step in range(1, steps + 1)])
    return row


def add_records(store: Store, job: str, kind: str, records: Sequence[dict[str, Any]]) -> None:
    """Records of steps or probes on the way that a worker's take."""
    if records:
        post_shard(store.home, kind, measurements(job, records, [time.time()] * len(records)), job)
        ingest_inbox(store)
