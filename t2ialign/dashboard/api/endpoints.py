"""The menu of endpoints. What stands here stays: docs/api.md has the promise."""

from __future__ import annotations

from t2ialign.dashboard.api import pictures, records, scores, studies, sweeps, training_runs
from t2ialign.dashboard.api.endpoint import Endpoint

ENDPOINTS = (
    Endpoint(
        "generate",
        "Draw a prompt on one to four checkpoints with the same seeds, and score every batch for alignment and diversity. "
        "Answers with the work's id; stored pictures are not drawn again.",
        pictures.AskGenerate,
        records.Work,
        pictures.generate,
    ),
    Endpoint(
        "grid",
        "Change two or three settings at once (CFG, checkpoint, adapter weight, guidance strategy, prompt, seed, ...), with "
        "the same seeds in every cell, and score each cell.",
        pictures.AskGrid,
        records.Work,
        pictures.grid,
    ),
    Endpoint(
        "work",
        "How something that was begun stands: its progress, its place in the queue, and the pictures and scores so far.",
        pictures.AskWork,
        records.Work,
        pictures.look,
    ),
    Endpoint(
        "stop",
        "Stop work that was begun with a ticket; what is drawn stays.",
        pictures.AskStop,
        records.Work,
        pictures.stop,
    ),
    Endpoint(
        "score",
        "Measure alignment and diversity of pictures from anywhere, sent in base64. They are not kept.",
        scores.AskScore,
        records.Work,
        scores.score,
        files=True,
    ),
    Endpoint(
        "points",
        "The trade-off chart as numbers: every scored checkpoint and CFG value on one benchmark set, alignment and "
        "diversity with 95 % intervals.",
        scores.AskPoints,
        records.Points,
        scores.points,
    ),
    Endpoint(
        "checkpoints",
        "List the checkpoints that can be drawn with.",
        scores.AskNothing,
        records.Checkpoints,
        scores.checkpoints,
    ),
    Endpoint(
        "jobs", "List the training runs and how far they are.", scores.AskNothing, records.Jobs, training_runs.jobs
    ),
    Endpoint(
        "sweep",
        "Fill a grid of a prompt set, checkpoints with weights, strategies and CFG values, so that they have points on the "
        "chart: a job that the Sweep page shows too. The same sweep asked for again has the same id and goes on. The owner's.",
        sweeps.AskSweep,
        records.Work,
        sweeps.sweep,
        "owner",
    ),
    Endpoint(
        "align",
        "Train an adapter from preferences by a published method, in a process of its own. The owner's.",
        training_runs.AskAlign,
        records.TrainingJob,
        training_runs.align,
        "owner",
    ),
    Endpoint(
        "job",
        "Look at a training run, pause it, let it go on, cancel or discard it. The owner's.",
        training_runs.AskJob,
        records.TrainingJob,
        training_runs.job,
        "owner",
    ),
    Endpoint(
        "study",
        "List preference studies, or say what the answers of one say so far. The owner's.",
        studies.AskStudy,
        records.StudyAnswer,
        studies.study,
        "owner",
    ),
)
