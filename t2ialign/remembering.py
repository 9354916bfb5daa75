"""Answers kept under their questions: worked out once however many ask at a time, and anew when they hold no more."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Memory:
    """At most ``most`` answers; the one not asked for longest makes room. They are shared: nobody may change one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, _Answer] = OrderedDict()
        self._lock = threading.Lock()

    def ask(
        self,
        question: Hashable,
        answer: Callable[[], T],
        now: int = 0,
        holds: Callable[[int], bool] = lambda then: True,
    ) -> T:
        """What ``answer`` says, called once for all who ask meanwhile and after.

        ``now`` is when this is asked, on any clock; an answer that was begun ``then`` counts while ``holds(then)``. Who waits
        for one that fails works it out alone.
        """
        with self._lock:
            found = self._known.get(question)
            mine = found is None or not holds(found.begun)
            if found is None or mine:
                found = self._known[question] = _Answer(now)
            self._known.move_to_end(question)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        if mine:
            self._work_out(question, found, answer)
        found.there.wait()
        said: T = answer() if found.failed else found.value
        return said

    def forget(self) -> None:
        """Everything is worked out anew."""
        with self._lock:
            self._known.clear()

    def _work_out(self, question: Hashable, own: _Answer, answer: Callable[[], Any]) -> None:
        try:
            own.value, own.failed = answer(), False
        except BaseException:
            with self._lock:
                if self._known.get(question) is own:
                    del self._known[question]
            raise
        finally:
            own.there.set()


class _Answer:
    """An answer that is being worked out, and then there."""

    def __init__(self, begun: int) -> None:
        self.begun = begun
        self.there = threading.Event()
        self.failed = True
        self.value: Any = None
