"""Work spread over a Ray cluster: actors that keep what they have loaded, and one item of work at a time on each.

An actor, or a whole node, may be lost: what it was at comes again on another one, and nothing else is lost. Who asks twice for
the same loses nothing either: which items there are to do is the caller's to say (a sweep's anti-join of plan and store).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from t2ialign.types import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")
Sent = TypeVar("Sent")
ATTEMPTS = 3  # an item that takes its actor with it so often is at fault itself
LOOK = 0.2  # seconds between two looks at whether somebody wants it to stop
NOT_HERE = 'Ray is not installed here: `pip install -c requirements.txt ".[ray]"` in a checkout adds it.'
_log = logging.getLogger(__name__)


class _Actor:
    """One process of the cluster; ``begin`` makes what does the work, at the first item."""

    def __init__(self, begin: Callable[[], Callable[[Any], Any]]) -> None:
        self._begin = begin
        self._work: Callable[[Any], Any] | None = None

    def here(self) -> None:
        """Answers once it has a place in the cluster."""

    def do(self, item: Any) -> Any:
        if self._work is None:
            self._work = self._begin()
        return self._work(item)


def run_on_ray(
    address: str,
    begin: Callable[[], Callable[[Sent], Result]],
    items: Sequence[Item],
    send: Callable[[Item], Sent],
    workers: int = 0,
    stopped: Callable[[], bool] = lambda: False,
    alike: Callable[[Item], Hashable] = id,
) -> Iterator[tuple[Item, Result]]:
    """Every item with what came of it, as they end; nothing more once it is ``stopped``.

    Items are begun in their order. Of those that are ``alike`` the next begins once the caller has taken the one before.

    ``address``: of a cluster as Ray says it, ``auto`` for the one that this machine belongs to, ``local`` for one of its own.
    ``begin`` is called once in each actor and may load what it likes. ``send`` makes of an item what travels, when it does, so
    that what is large need not be in memory before. ``workers``: actors; 0 for one a GPU, or one a node
    where there are none.

    Raises:
        InputError: Ray is not installed or no cluster answers, an item failed, or it was lost with its actor again and again.
    """
    with _cluster(address) as ray:
        crew = _Crew(ray, begin, items, send, [alike(item) for item in items], workers or _usual(ray))
        try:
            while crew.busy and not stopped():
                yield from crew.ended()
        finally:
            crew.close()


class _Crew:
    """The actors, what each is at, and what is still to do."""

    def __init__(
        self,
        ray: Any,
        begin: Callable[[], Callable[[Any], Any]],
        items: Sequence[Any],
        send: Callable[[Any], Any],
        kinds: Sequence[Hashable],
        size: int,
    ) -> None:
        self._ray, self._items, self._send, self._kinds = ray, items, send, kinds
        gpus = ray.cluster_resources().get("GPU", 0)
        share = {"num_gpus": min(1.0, gpus / size)} if gpus else {"num_cpus": 1}
        self._new: Callable[[], Any] = lambda: ray.remote(**share)(_Actor).remote(begin)
        self._todo: deque[int] = deque(range(len(items)))
        self._lost = [0] * len(items)
        self._late = 0  # actors in a row that were lost before they had begun
        self._at: dict[
            Any, tuple[int | None, Any]
        ] = {}  # what is awaited: its item's place, None of an actor itself; its actor
        self._held: set[Hashable] = set()  # kinds of which one is at work, or not taken by the caller yet
        self._idle: list[Any] = []  # actors for whom all that is left is held
        for _ in range(min(size, len(items))):
            self._join()

    @property
    def busy(self) -> bool:
        return bool(self._todo) or any(place is not None for place, _ in self._at.values())

    def ended(self) -> Iterator[tuple[Any, Any]]:
        """What has ended by now; waits a moment where nothing has."""
        done, _ = self._ray.wait(list(self._at), num_returns=1, timeout=LOOK)
        for awaited in done:
            place, actor = self._at.pop(awaited)
            try:
                found = self._ray.get(awaited)
            except self._ray.exceptions.RayTaskError as error:
                raise _said(error.cause) from error
            except (self._ray.exceptions.RayActorError, self._ray.exceptions.ObjectLostError) as error:
                self._again(place, error)
                continue
            self._give(actor)
            if place is None:
                self._late = 0
                continue
            yield self._items[place], found
            self._free(place)

    def close(self) -> None:
        """Ends the actors; those that are lost already need no ending."""
        for actor in [*(actor for _, actor in self._at.values()), *self._idle]:
            with suppress(Exception):
                self._ray.kill(actor)

    def _join(self) -> None:
        """One more actor, which gets an item once it is there: there may be no room for it as long as others work."""
        actor = self._new()
        self._at[actor.here.remote()] = None, actor

    def _free(self, place: int) -> None:
        """Items like this one may begin."""
        self._held.discard(self._kinds[place])
        idle, self._idle = self._idle, []
        for actor in idle:
            self._give(actor)

    def _give(self, actor: Any) -> None:
        """The next item that may begin; an actor waits while there are others, and ends by itself once there is none."""
        place = next((place for place in self._todo if self._kinds[place] not in self._held), None)
        if place is not None:
            self._todo.remove(place)
            self._held.add(self._kinds[place])
            self._at[actor.do.remote(self._send(self._items[place]))] = place, actor
        elif self._todo:
            self._idle.append(actor)

    def _again(self, place: int | None, error: Exception) -> None:
        """An item whose actor was lost comes first, on whichever is free; a new actor comes in the place of the lost one."""
        if place is None:
            self._late += 1
            lost, what = self._late, "before it began"
        else:
            self._lost[place] += 1
            lost, what = self._lost[place], "at the same item"
            _log.warning(
                "A worker of the cluster was lost (%s); its item is done again.", str(error).partition("\n")[0]
            )
        if lost >= ATTEMPTS:
            raise InputError(
                f"A worker of the cluster was lost {ATTEMPTS} times {what}, as when there is too little memory: see "
                "`ray status` and the logs of its node. What was done is kept; the same command goes on from here."
            ) from error
        self._join()
        if place is not None:
            self._todo.appendleft(place)
            self._free(place)


def _said(error: Exception) -> InputError:
    """What went wrong on another machine, as a sentence."""
    if isinstance(error, InputError):
        return InputError(str(error))
    return InputError(f"A worker of the cluster failed ({type(error).__name__}: {str(error).partition(chr(10))[0]}).")


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Ray, connected; a connection that was there before stays."""
    try:
        import ray
    except ImportError as error:
        raise InputError(NOT_HERE) from error
    if ray.is_initialized():
        yield ray
        return
    try:
        ray.init(address=address or "auto", log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise InputError(
            f"No Ray cluster answers at {address!r} ({reason}): `ray start --head` begins one, `--address local` needs none."
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _usual(ray: Any) -> int:
    """One actor a GPU; without any, one a node, for torch uses all of its cores."""
    gpus = int(ray.cluster_resources().get("GPU", 0))
    return gpus or max(1, sum(bool(node["Alive"]) for node in ray.nodes()))
