"""The nouns of a research report: questions, figures with a sentence each, what is not known."""

from __future__ import annotations

from dataclasses import dataclass, field

from t2ialign.tradeoff.arrows import Arrow
from t2ialign.tradeoff.audit_table import AuditTable
from t2ialign.tradeoff.doses import Response
from t2ialign.tradeoff.front_band import Edge, Knee, Volume
from t2ialign.tradeoff.frontier import Ideal, PathCost
from t2ialign.tradeoff.relations import Relations
from t2ialign.tradeoff.strength import StrengthPlane
from t2ialign.types import Interval, TradeoffPoint


@dataclass(frozen=True)
class Plane:
    """Points on two metrics, with arrows from parents; ``edge`` draws the band of the front."""

    x: str
    y: str
    points: tuple[TradeoffPoint, ...]
    arrows: tuple[Arrow, ...] = ()
    edge: Edge | None = None
    knee: Knee | None = None
    whole: int = 0


@dataclass(frozen=True)
class Change:
    """One difference; ``stands``: it excludes zero also after correction, and is drawn full."""

    name: str
    value: Interval
    stands: bool


@dataclass(frozen=True)
class Changes:
    """Differences of one metric, a row each; ``of`` says what they are in words."""

    metric: str
    of: str
    rows: tuple[Change, ...]


@dataclass(frozen=True)
class Doses:
    """Responses of several metrics to one pressure."""

    responses: tuple[Response, ...]


@dataclass(frozen=True)
class Costs:
    """Paths of checkpoints by dose: win rate against change of diversity. ``ideals`` are what none could beat."""

    judge: str
    diversity: str
    paths: tuple[PathCost, ...]
    win_rate: float
    ideals: tuple[Ideal, ...] = ()


@dataclass(frozen=True)
class Volumes:
    """Hypervolumes of checkpoints."""

    volumes: tuple[Volume, ...]


Drawn = Plane | Changes | Doses | Costs | Relations | AuditTable | Edge | Volumes | StrengthPlane
"""What a figure shows, as data."""


@dataclass(frozen=True)
class Finding:
    """A figure and one sentence that says what it shows; ``command`` prints the same numbers, a command a line."""

    title: str
    sentence: str
    drawn: Drawn
    command: str


@dataclass(frozen=True)
class Gap:
    """Something that the data do not tell, and the command that would fill it; "" where none would."""

    sentence: str
    command: str = ""


@dataclass(frozen=True)
class Section:
    """A research question with what the data say of it, and what they do not."""

    key: str
    question: str
    exhibits: tuple[Finding, ...] = ()
    unknown: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class Research:
    """A whole report. ``scope`` are sentences about what it stands on."""

    title: str
    scope: tuple[str, ...]
    sections: tuple[Section, ...] = field(default=())

    @property
    def exhibits(self) -> tuple[Finding, ...]:
        return tuple(one for section in self.sections for one in section.exhibits)
