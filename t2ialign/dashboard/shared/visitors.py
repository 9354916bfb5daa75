"""Who asks, and how much of a server strangers may use: a queue that ends, and work by address.

A session's id is chosen by its browser, so it is worth nothing as a measure: whoever wants more invents another. It is a
secret of its page all the same, and so decides whose run may be stopped. Where a proxy stands before the server, uvicorn
takes the address from ``X-Forwarded-For``, and only from proxies that ``FORWARDED_ALLOW_IPS`` names (docs/deploy.md).
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import gradio as gr

from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.words import counted, duration
from t2ialign.engines import LocalEngine
from t2ialign.settings import VisitorLimits, visitor_limits
from t2ialign.types import InputError

HOUR = 3600.0


@dataclass(frozen=True)
class Visitor:
    """``page`` is the session's id, ``address`` what budgets go by, ``owner`` whether nothing is kept from this session."""

    page: str = ""
    address: str = ""
    owner: bool = True


@dataclass(frozen=True)
class Asked:
    """A run that somebody began, when (in seconds), and its pictures times steps."""

    visitor: Visitor
    when: float
    work: int


@dataclass(frozen=True)
class Visits:
    """The runs of the last hour, and those still at work, by who asked for them."""

    engine: LocalEngine
    limits: VisitorLimits = field(default_factory=visitor_limits)
    clock: Callable[[], float] = time.monotonic
    _asked: dict[str, Asked] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, visitor: Visitor, work: int, start: Callable[[], str]) -> str:
        """The run that ``start`` begins, if there is room for it; the owner's always has.

        Raises:
            InputError: the queue is full, this address has runs enough in it, or has used up its work of the hour.
        """
        with self._lock:
            waiting = self.engine.unfinished()
            for run in [run for run, one in self._asked.items() if self._old(one) and run not in waiting]:
                del self._asked[run]
            if not visitor.owner:
                self._check(visitor, work, waiting)
            run = start()
            self._asked[run] = Asked(visitor, self.clock(), work)
            return run

    def may_stop(self, visitor: Visitor, run: str) -> bool:
        """Whether a run is this page's own. The owner may stop any."""
        with self._lock:
            begun = self._asked.get(run)
        return visitor.owner or bool(visitor.page and begun and begun.visitor.page == visitor.page)

    def _check(self, visitor: Visitor, work: int, waiting: tuple[str, ...]) -> None:
        limits = self.limits
        if len(waiting) >= limits.queue:
            raise InputError(
                f"The queue is full: your run would be number {len(waiting) + 1}, and at most {limits.queue} may wait here. "
                "Try again in a few minutes."
            )
        here = {run: one for run, one in self._asked.items() if one.visitor.address == visitor.address}
        mine = sum(run in waiting for run in here)
        if mine >= limits.runs:
            raise InputError(
                f"At work for your address: {counted(mine, 'run')}, and more may not be. Wait for one to end."
            )
        recent = [one for one in here.values() if not (one.visitor.owner or self._old(one))]
        left = max(0, limits.work - sum(one.work for one in recent))
        if work > left:
            said = f"This takes {work:,} picture steps, and of {limits.work:,} an hour your address has {left:,} left"
            wait = (
                f", or wait {duration(recent[0].when + HOUR - self.clock())}" if recent and work <= limits.work else ""
            )
            raise InputError(f"{said}: ask for fewer seeds, steps or checkpoints{wait}.")

    def _old(self, one: Asked) -> bool:
        return self.clock() - one.when >= HOUR


def visitor_of(request: gr.Request, key: str) -> Visitor:
    """Who sent a request, with the key of its session."""
    host = request.client.host if request.client else ""
    return Visitor(request.session_hash or "", network(host), not owner.locked(key))


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
        "steps an hour (16 pictures of 25 steps are 400); models from the Hub are the owner's."
    )
