"""What the endpoints answer: frozen records, whose fields are a promise (docs/api.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """A metric's mean over a batch with its 95 % interval; null where it is unknown."""

    metric: str
    axis: str
    mean: float
    lo: float
    hi: float
    version: str


@dataclass(frozen=True)
class Picture:
    """A finished picture; ``address`` is below the page's own, and also ends in ``.webp``."""

    seed: int
    address: str


@dataclass(frozen=True)
class Batch:
    """A seed batch of one checkpoint, as far as it is there. ``cell`` names it for good."""

    cell: str
    checkpoint: str
    prompt: str
    guidance_scale: float
    guidance: str
    steps: int
    pictures: tuple[Picture, ...]
    scores: tuple[Measured, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Work:
    """Something that takes its time. ``id`` finds it again, ``ticket`` stops it and is told once, to whoever began it.

    ``status``: queued, running, done, cancelled, failed or interrupted, of a sweep also paused; ``ahead``: how many wait
    before it; ``begins_in`` and ``remaining`` in seconds, null where nobody knows; ``problem``: why it failed, in one
    sentence.
    """

    id: str
    status: str
    fraction: float = 0.0
    remaining: float | None = None
    ahead: int = 0
    begins_in: float | None = None
    batches: tuple[Batch, ...] = ()
    scores: tuple[Measured, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    ticket: str = ""


@dataclass(frozen=True)
class Point:
    """One checkpoint at one guidance on the chart, with 95 % intervals over prompts."""

    checkpoint: str
    guidance_scale: float
    guidance: str
    steps: int
    x: Measured
    y: Measured
    prompts: int
    seeds: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Points:
    """The points of two metrics on one benchmark set; ``left_out`` cells have only scores of other versions."""

    x: str
    y: str
    benchmark: str
    points: tuple[Point, ...]
    left_out: int


@dataclass(frozen=True)
class Checkpoint:
    """What can be drawn with. ``here`` is false where it would first be fetched."""

    name: str
    backbone: str
    kind: str
    here: bool


@dataclass(frozen=True)
class Checkpoints:
    """All there are."""

    checkpoints: tuple[Checkpoint, ...]


@dataclass(frozen=True)
class TrainingJob:
    """A training run; ``message`` and ``command`` are for the owner only, times are ISO 8601 in UTC."""

    id: str
    title: str
    status: str
    fraction: float
    remaining: float | None
    created: str
    message: str = ""
    command: str = ""


@dataclass(frozen=True)
class Jobs:
    """Training runs, oldest first."""

    jobs: tuple[TrainingJob, ...]


@dataclass(frozen=True)
class StudyLine:
    """A study in a list."""

    id: str
    title: str
    state: str
    answers: int


@dataclass(frozen=True)
class Share:
    """How often a contender was chosen, of all times that it was shown, with the 95 % interval."""

    contender: str
    category: str
    group: str
    mean: float
    lo: float
    hi: float
    shown: int


@dataclass(frozen=True)
class StudyAnswer:
    """All studies, or where one stands: answers, surveys, shares, and what should be known of them."""

    studies: tuple[StudyLine, ...]
    answers: int = 0
    surveys: int = 0
    shares: tuple[Share, ...] = ()
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
