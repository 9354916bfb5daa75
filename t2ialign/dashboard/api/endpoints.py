"""The menu of endpoints. What stands here stays: docs/api.md has the promise."""

from __future__ import annotations

from t2ialign.dashboard.api import drawing, measuring, records, studies, sweeping, training
from t2ialign.dashboard.api.endpoint import Endpoint

ENDPOINTS = (
    Endpoint(
        "generate",
        "Draw a prompt on one to four checkpoints with the same seeds, and score every batch for alignment and diversity. "
        "Answers with the work's id; stored pictures are not drawn again.",
        drawing.Generate,
        records.Work,
        drawing.generate,
    ),
    Endpoint(
        "grid",
        "Change two settings at once (CFG, checkpoint, adapter weight, guidance strategy, prompt, seed), with the same "
        "seeds in every cell, and score each cell.",
        drawing.Grid,
        records.Work,
        drawing.grid,
    ),
    Endpoint(
        "work",
        "How something that was begun stands: its progress, its place in the queue, and the pictures and scores so far.",
        drawing.Look,
        records.Work,
        drawing.look,
    ),
    Endpoint(
        "stop", "Stop work that was begun with a ticket; what is drawn stays.", drawing.Stop, records.Work, drawing.stop
    ),
    Endpoint(
        "score",
        "Measure alignment and diversity of pictures from anywhere, sent in base64. They are not kept.",
        measuring.Score,
        records.Work,
        measuring.score,
        files=True,
    ),
    Endpoint(
        "points",
        "The trade-off chart as numbers: every scored checkpoint and CFG value on one benchmark set, alignment and "
        "diversity with 95 % intervals.",
        measuring.AskPoints,
        records.Points,
        measuring.points,
    ),
    Endpoint(
        "checkpoints",
        "List the checkpoints that can be drawn with.",
        measuring.Nothing,
        records.Checkpoints,
        measuring.checkpoints,
    ),
    Endpoint("jobs", "List the training runs and how far they are.", measuring.Nothing, records.Jobs, training.jobs),
    Endpoint(
        "sweep",
        "Fill a grid of a prompt set, checkpoints with weights, strategies and CFG values, so that they have points on the "
        "chart: a job that the Sweep page shows too. The same sweep asked for again has the same id and goes on. The owner's.",
        sweeping.Sweep,
        records.Work,
        sweeping.sweep,
        "owner",
    ),
    Endpoint(
        "align",
        "Train an adapter from preferences by a published method, in a process of its own. The owner's.",
        training.Align,
        records.TrainingJob,
        training.align,
        "owner",
    ),
    Endpoint(
        "job",
        "Look at a training run, pause it, let it go on, cancel or discard it. The owner's.",
        training.Ask,
        records.TrainingJob,
        training.job,
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
