"""Asking twice is asking once: a page has one run at work, however often its button is pressed before it hears back."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from t2ialign.engines import LocalEngine
from t2ialign.types import InputError

KEEP = 1024


@dataclass(frozen=True)
class LastRequest:
    """What a page asked for last, and the run that came of it."""

    requests: tuple[Any, ...]
    run: str


@dataclass(frozen=True)
class OneRunPerPage:
    """The last request of each open page."""

    engine: LocalEngine
    _asked: OrderedDict[str, LastRequest] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, page: str, shown: str, requests: Sequence[Any], begin: Callable[[], str]) -> str:
        """The run of a page's request: the one at work if it is for the same, else a new one that ``begin`` starts.

        ``shown`` is the run that the page shows, which it may have found under a link.

        Raises:
            InputError: the page is at work on something else.
        """
        with self._lock:
            last = self._asked.get(page, LastRequest((), ""))
            if last.requests == tuple(requests) and self._at_work(last.run):
                return last.run
            if self._at_work(last.run) or self._at_work(shown):
                raise InputError("This page is still at work: wait for it, or press Cancel first.")
            self._asked[page] = LastRequest(tuple(requests), begin())
            self._asked.move_to_end(page)
            while len(self._asked) > KEEP:
                self._asked.popitem(last=False)
            return self._asked[page].run

    def last(self, page: str) -> str:
        """The run that a page asked for last; empty where it has not asked yet."""
        with self._lock:
            return self._asked.get(page, LastRequest((), "")).run

    def _at_work(self, run: str) -> bool:
        task = self.engine.look(run)
        return task is not None and not task.finished
