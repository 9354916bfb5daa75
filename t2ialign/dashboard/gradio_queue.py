"""Has Gradio's queue of events share itself between addresses, and let go of what nobody fetches.

Gradio takes events in their order, however many one address sends, keeps every answer until somebody fetches it, and makes
a table of all events so far after each one, for a view that this page does not have. Here an address has a few events at
work at a time, a bounded number that wait or whose answers wait, and so many open pages; what nobody listens to is let go.
Who comes alone notices nothing of it. The limits hold where there are strangers.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.queueing import Event, Queue
from gradio.routes import HTTPException, file_upload_statuses  # type: ignore[attr-defined]
from gradio.state_holder import StateHolder
from gradio.utils import LRUCache

from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.visitors import network
from t2ialign.dashboard.shared.words import counted

AT_WORK = 8  # events of one address at a time
WAITING = 400  # events of one address that wait or work
UNREAD = 300  # messages to one address that nobody has fetched yet
ALL_UNREAD = 5 * UNREAD  # the same of all addresses together: what was listened for longest ago goes first
PAGES = 100  # open pages of one address whose state is kept
DEAF = 60.0  # seconds without anybody who listens, after which what waits for a page is let go
ADDRESSES = 4096  # whose pages are known
UPLOADS = 1000  # uploads whose progress is told
NEVER = 1 << 62
ANALYTICS = ("ANALYTICS_MAX_EVENTS", "ANAYLTICS_CACHE_FREQUENCY")  # sic: for monitoring, which is off


class Mailbox:
    """What waits for a page, in the place of Gradio's own queue of it, and when somebody last listened."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[Any] = asyncio.Queue()
        self.heard = time.monotonic()

    async def get(self) -> Any:
        self.heard = time.monotonic()
        message = await self._messages.get()
        self.heard = time.monotonic()
        return message

    async def put(self, message: Any) -> None:
        self.put_nowait(message)

    def put_nowait(self, message: Any) -> None:
        self._messages.put_nowait(message)

    def qsize(self) -> int:
        return self._messages.qsize()


class Signals:
    """What waits for an upload's first part, made when it is asked for."""

    def __init__(self) -> None:
        self.kept: LRUCache[str, asyncio.Event] = LRUCache(UPLOADS)

    def __getitem__(self, upload: str) -> asyncio.Event:
        if upload not in self.kept:
            self.kept[upload] = asyncio.Event()
        return self.kept[upload]


@dataclass(frozen=True)
class SharedQueue:
    """A queue of Gradio's with its limits."""

    queue: Queue
    holder: Callable[[], StateHolder]
    clock: Callable[[], float] = time.monotonic
    pages: OrderedDict[str, OrderedDict[str, None]] = field(default_factory=OrderedDict)

    def check(self, address: str) -> None:
        """429 with a sentence for an address that has sent more than it may, or does not fetch its answers."""
        self.let_go()
        if self._unread(address) >= UNREAD:
            raise HTTPException(
                429, f"{counted(UNREAD, 'answer')} wait for your address: fetch them before you ask more."
            )
        waiting = sum(_address(event) == address for event in self.queue.event_ids_to_events.values())
        if waiting >= WAITING:
            raise HTTPException(
                429, f"{counted(waiting, 'request')} of your address wait already: try again in a moment."
            )

    def open(self, address: str, session: str) -> None:
        """Counts a page of this address as open; where the address has more than its share, its oldest page is closed."""
        mine = self.pages.setdefault(address, OrderedDict())
        self.pages.move_to_end(address)
        mine[session] = None
        mine.move_to_end(session)
        boxes = self.queue.pending_messages_per_session
        if session not in boxes:
            boxes[session] = Mailbox()  # type: ignore[assignment]
        if isinstance(box := boxes[session], Mailbox):
            box.heard = self.clock()  # who asks will listen
        self.queue.pending_event_ids_session.setdefault(session, set())
        while len(mine) > PAGES:
            self._forget(mine.popitem(last=False)[0])
        while len(self.pages) > ADDRESSES:
            for gone in self.pages.popitem(last=False)[1]:
                self._forget(gone)

    def let_go(self) -> None:
        """Forgets the events of pages that nobody listens for any more, and what Gradio left of pages that it closed."""
        boxes, ids = self.queue.pending_messages_per_session, self.queue.pending_event_ids_session
        now = self.clock()
        kept = {name: box for name, box in boxes.items() if isinstance(box, Mailbox)}
        deaf = [name for name, box in kept.items() if now - box.heard > DEAF]
        unread = sum(box.qsize() for box in kept.values())
        for name in sorted(kept, key=lambda name: kept[name].heard):
            if unread > ALL_UNREAD and (mine := kept[name].qsize()):
                deaf.append(name)
                unread -= mine
        for session in [*deaf, *(ids.keys() - boxes.keys())]:
            boxes.pop(session, None)
            ids.pop(session, None)

    def next_events(self) -> tuple[list[Event], bool, str] | None:
        """The longest waiting event of the address that has fewest at work; none of one that has its share."""
        busy = Counter(_address(event) for job in self.queue.active_jobs for event in job or ())
        ready = [event for event in self._first() if busy[_address(event)] < AT_WORK]
        if not ready:
            return None
        event = min(ready, key=lambda one: (busy[_address(one)], one.enqueue_time))
        self.queue.event_queue_per_concurrency_id[event.concurrency_id].queue.remove(event)
        return [event], False, event.concurrency_id

    def _first(self) -> Iterator[Event]:
        """Each address' first event in each line that takes one now."""
        for line in self.queue.event_queue_per_concurrency_id.values():
            if line.concurrency_limit is None or line.current_concurrency < line.concurrency_limit:
                seen: set[str] = set()
                for event in line.queue:
                    if (address := _address(event)) not in seen:
                        seen.add(address)
                        yield event

    def _unread(self, address: str) -> int:
        boxes = self.queue.pending_messages_per_session
        return sum(boxes[session].qsize() for session in self.pages.get(address, ()) if session in boxes)

    def _forget(self, session: str) -> None:
        holder = self.holder()
        holder.session_data.pop(session, None)
        holder.time_last_used.pop(session, None)
        self.queue.pending_messages_per_session.pop(session, None)
        self.queue.pending_event_ids_session.pop(session, None)


def share_queue(blocks: gr.Blocks) -> None:
    """Gives the queue of a page its limits."""
    queue = blocks._queue
    for name, value in zip(ANALYTICS, (1, NEVER)):
        setattr(queue, name, value)
    file_upload_statuses._statuses, file_upload_statuses._signals = LRUCache(UPLOADS), Signals()  # type: ignore[assignment]
    shared = SharedQueue(queue, lambda: blocks.state_holder)
    push, send = queue.push, queue.send_message

    async def pushed(body: Any, request: Any, username: Any) -> Any:
        if owner.guarded():
            address = network(request.client.host if request.client else "")
            shared.check(address)
            body.session_hash = body.session_hash or uuid.uuid4().hex
            shared.open(address, body.session_hash)
        return await push(body=body, request=request, username=username)

    def sent(event: Event, event_message: Any) -> None:
        if event.session_hash in queue.pending_messages_per_session:
            send(event, event_message)

    queue.push, queue.send_message = pushed, sent  # type: ignore[method-assign]
    if owner.guarded():
        queue.get_events = shared.next_events  # type: ignore[method-assign]


def _address(event: Event) -> str:
    client = event.request.client
    return network(client.host if client else "")
