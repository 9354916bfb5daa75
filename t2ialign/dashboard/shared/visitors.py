"""Who asks, and how much of a server strangers may use: a queue that ends, and work by address.

A session's id is chosen by its browser, so it is worth nothing as a measure: whoever wants more invents another. It is a
secret of its page all the same, and so decides whose run may be stopped. Where a proxy stands before the server, uvicorn
takes the address from ``X-Forwarded-For``, and only from proxies that ``FORWARDED_ALLOW_IPS`` names (docs/deploy.md).
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import gradio as gr
from starlette.requests import Request

from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.words import counted, duration
from t2ialign.engines import LocalEngine
from t2ialign.settings import VisitorLimits, visitor_limits
from t2ialign.types import InputError
from t2ialign.use_cases.batches.requests import BatchRequest

MINUTE, HOUR, DAY = 60.0, 3600.0, 24 * 3600.0
LEAST = 25  # picture steps that a run counts as at least: each is a row of the store, however little it draws
TOKEN_HEADER = "x-t2ialign-token"
KEEP = 4096  # addresses whose requests are counted


class TooMany(InputError):
    """Something that is refused now and may be asked later; the sentence says when."""


@dataclass(frozen=True)
class Visitor:
    """``page`` is the session's id, ``address`` what budgets go by, ``owner`` whether nothing is kept from this session."""

    page: str = ""
    address: str = ""
    owner: bool = True


@dataclass(frozen=True)
class BegunRun:
    """A run that somebody began, when (in seconds), and its pictures times steps."""

    visitor: Visitor
    when: float
    work: int


@dataclass(frozen=True)
class Visits:
    """The runs of the last day, and those still at work, by who asked for them; and the requests of the last minute."""

    engine: LocalEngine
    limits: VisitorLimits = field(default_factory=visitor_limits)
    clock: Callable[[], float] = time.monotonic
    _asked: dict[str, BegunRun] = field(default_factory=dict)
    _times: OrderedDict[tuple[str, str], deque[float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, visitor: Visitor, work: int, start: Callable[[], str]) -> str:
        """The run that ``start`` begins, if there is room for it; the owner's always has.

        Raises:
            TooMany: the queue is full, this address has runs enough in it, or has used up its work of the hour, or
                everybody together that of the day.
        """
        work = max(work, LEAST)
        with self._lock:
            waiting = self.engine.unfinished()
            for run in [run for run, one in self._asked.items() if self._old(one, DAY) and run not in waiting]:
                del self._asked[run]
            if not visitor.owner:
                self._check(visitor, work, waiting)
            run = start()
            self._asked[run] = BegunRun(visitor, self.clock(), work)
            return run

    def may_stop(self, visitor: Visitor, run: str) -> bool:
        """Whether a run is this page's own. The owner may stop any."""
        with self._lock:
            begun = self._asked.get(run)
        return visitor.owner or bool(visitor.page and begun and begun.visitor.page == visitor.page)

    def count(self, visitor: Visitor) -> None:
        """Counts a request of the API. ``TooMany`` for one too many within a minute."""
        most = self.limits.requests
        if not visitor.owner and (wait := self._count("request", visitor.address, most, MINUTE)):
            raise TooMany(f"Your address may ask {most} times a minute: wait {duration(wait)}.")

    def count_survey(self, address: str) -> None:
        """Counts a survey begun. ``TooMany`` for one too many within an hour; the address is kept in memory only."""
        most = self.limits.surveys
        if owner.guarded() and (wait := self._count("survey", network(address), most, HOUR)):
            raise TooMany(f"From your network {most} surveys have begun this hour: come back in {duration(wait)}.")

    def count_vote(self, visitor: Visitor) -> None:
        """Counts a quick vote. ``TooMany`` for one too many within an hour."""
        most = self.limits.surveys
        if not visitor.owner and (wait := self._count("vote", visitor.address, most, HOUR)):
            raise TooMany(f"Your address may vote {most} times an hour: wait {duration(wait)}.")

    def count_file(self, visitor: Visitor) -> None:
        """Counts a file that is written to be taken away. ``TooMany`` for one too many within an hour."""
        most = self.limits.surveys
        if not visitor.owner and (wait := self._count("file", visitor.address, most, HOUR)):
            raise TooMany(f"Your address may take away {most} files an hour: wait {duration(wait)}.")

    def count_event(self, address: str) -> None:
        """Counts a request of any kind. ``TooMany`` for one too many within a minute."""
        most = self.limits.events
        if wait := self._count("event", address, most, MINUTE):
            raise TooMany(f"Your address may send {most:,} requests a minute: wait {duration(wait)}.")

    def count_sent(self, address: str, megabytes: int) -> None:
        """Counts what was sent. ``TooMany`` where it is more than an address may send within an hour."""
        most = self.limits.sent_mb
        for _ in range(megabytes):
            if wait := self._count("megabyte", address, most, HOUR):
                raise TooMany(f"Your address may send {most:,} MB an hour: wait {duration(wait)}.")

    def _count(self, kind: str, address: str, most: int, seconds: float) -> float:
        """Counts something of an address; seconds to wait, and nothing counted, where it was often enough."""
        with self._lock:
            now, times = self.clock(), self._times.setdefault((kind, address), deque())
            self._times.move_to_end((kind, address))
            while times and now - times[0] >= seconds:
                times.popleft()
            if len(times) >= most:
                return times[0] + seconds - now
            times.append(now)
            while len(self._times) > KEEP:
                self._times.popitem(last=False)
        return 0.0

    def check_sizes(self, visitor: Visitor, requests: Iterable[BatchRequest]) -> None:
        """``InputError`` for batches that are larger than a visitor's may be, or in other sizes than the model's own."""
        for one in () if visitor.owner else requests:
            if one.height or one.width:
                raise InputError(
                    "Here only the owner draws in other sizes than the model's own: leave height and width at 0."
                )
            if len(one.seeds) > self.limits.seeds:
                raise InputError(f"A visitor's batch has at most {self.limits.seeds} seeds, not {len(one.seeds)}.")
            if one.num_inference_steps > self.limits.steps:
                raise InputError(
                    f"A visitor's pictures have at most {self.limits.steps} steps, not {one.num_inference_steps}."
                )

    def seconds_until(self, run: str) -> float | None:
        """When a waiting run may begin: what is left of the one at work, and of those between at its pace; else ``None``."""
        waiting = self.engine.unfinished()
        if run not in waiting[1:]:
            return None
        task = self.engine.look(waiting[0])
        record = task.record if task else None
        left, done = getattr(record, "remaining", None), getattr(record, "fraction", 0.0)
        with self._lock:
            work = [self._asked[one].work if one in self._asked else 0 for one in waiting[: waiting.index(run)]]
        between, share = sum(work[1:]), work[0] * (1 - done)
        if left is None or (between and not share):
            return None
        return float(left + (between * left / share if share else 0.0))

    def _check(self, visitor: Visitor, work: int, waiting: tuple[str, ...]) -> None:
        limits = self.limits
        if len(waiting) >= limits.queue:
            raise TooMany(
                f"The queue is full: your run would be number {len(waiting) + 1}, and at most {limits.queue} may wait here. "
                "Try again in a few minutes."
            )
        here = {run: one for run, one in self._asked.items() if one.visitor.address == visitor.address}
        mine = sum(run in waiting for run in here)
        if mine >= limits.runs:
            raise TooMany(
                f"At work for your address: {counted(mine, 'run')}, and more may not be. Wait for one to end."
            )
        recent = [one for one in here.values() if not (one.visitor.owner or self._old(one, HOUR))]
        left = max(0, limits.work - sum(one.work for one in recent))
        if work > left:
            said = f"This takes {work:,} picture steps, and of {limits.work:,} an hour your address has {left:,} left"
            wait = (
                f", or wait {duration(recent[0].when + HOUR - self.clock())}" if recent and work <= limits.work else ""
            )
            raise TooMany(f"{said}: ask for fewer seeds, steps or checkpoints{wait}.")
        if sum(one.work for one in self._asked.values() if not one.visitor.owner) + work > limits.day:
            raise TooMany(
                f"Visitors together have used up today's {limits.day:,} picture steps: come back tomorrow, or look at "
                "what is there."
            )

    def _old(self, one: BegunRun, seconds: float) -> bool:
        return self.clock() - one.when >= seconds


def visitor_of(request: gr.Request, key: str) -> Visitor:
    """Who sent a request, with the key of its session."""
    host = request.client.host if request.client else ""
    return Visitor(request.session_hash or "", network(host), not owner.locked(key))


def caller_of(request: gr.Request | Request, guesses: owner.Guesses) -> Visitor:
    """Who calls an endpoint: the owner, where the header says the owner's token.

    Raises:
        InputError: a wrong token, or one too many.
    """
    address = network(request.client.host if request.client else "")
    token = request.headers.get(TOKEN_HEADER, "")
    key = owner.unlocked(token, guesses, address) if token and owner.guarded() else ""
    return Visitor("", address, not owner.locked(key))


@lru_cache(maxsize=KEEP)
def network(address: str) -> str:
    """What an address counts as: itself, or of IPv6 the /64 that one household has to choose from."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return address
    mapped = known.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((int(known), 64), strict=False))


def in_a_line(limits: VisitorLimits) -> str:
    """The limits as the page says them; empty where nobody is a stranger."""
    if not owner.guarded():
        return ""
    return (
        f"For visitors: {counted(limits.queue, 'run')} in the queue, {limits.runs} of one address; {limits.work:,} picture "
        f"steps an hour (16 pictures of 25 steps are 400), {limits.day:,} a day for all; {limits.seeds} seeds and "
        f"{limits.steps} steps a batch; {limits.surveys} votes and as many files "
        "an hour; models from the Hub and other sizes are the owner's."
    )
