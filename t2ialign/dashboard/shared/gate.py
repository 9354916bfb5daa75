"""What one address may send to a page that has strangers: so many requests, of such a size, so much in an hour.

The limits are those of ``VisitorLimits`` (docs/deploy.md). What is too much is refused with 429 or 413 and a sentence, before
Gradio has read it, and the page shows the sentence. The page's files and what watches over it are not counted.
"""

from __future__ import annotations

from collections import Counter

from gradio.route_utils import API_PREFIX
from gradio.routes import HTTPException  # type: ignore[attr-defined]
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.visitors import TOKEN_HEADER, TooMany, Visits, network
from t2ialign.dashboard.shared.words import counted

AT_ONCE = {"POST": 64}  # requests of one address that are being answered, by method
STREAMS = 400  # the same of every other method: an open page has two streams
MEGABYTE = 1_000_000
FREE = ("/assets/", "/static/", "/svelte/", "/healthz", "/metrics", "/favicon.ico")
ALIVE = f"{API_PREFIX}/heartbeat/"  # the stream by which a page says that it is open, again and again where it is cut
WHOLE = ("/", "/config", f"{API_PREFIX}/info", f"{API_PREFIX}/openapi.json")  # all of the page at once
WEIGHT = 20  # events that one of these counts as: made anew, each costs a tenth of a second
AGAIN = 10  # seconds after which a browser asks again for a page that was refused
KEPT = f"{API_PREFIX}/upload"  # what is sent here lies on the disk for a day


class Gate:
    """Lets through what the limits leave."""

    def __init__(self, app: ASGIApp, visits: Visits) -> None:
        self.app = app
        self.visits = visits
        self.inside: Counter[tuple[str, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not owner.guarded() or scope["path"].startswith(FREE):
            await self.app(scope, receive, send)
            return
        address = network(scope["client"][0] if scope["client"] else "")
        known = not owner.locked(Headers(scope=scope).get(TOKEN_HEADER, ""))
        place = (address, scope["method"])
        try:
            if not known:
                self._count(scope, place)
        except TooMany as error:
            await _refusal(str(error), Headers(scope=scope).get("accept", ""))(scope, receive, send)
            return
        self.inside[place] += 1
        try:
            await self.app(scope, self._weighed(scope, receive, "" if known else address), send)
        finally:
            self.inside[place] -= 1
            if not self.inside[place]:
                del self.inside[place]

    def _count(self, scope: Scope, place: tuple[str, str]) -> None:
        address, method = place
        most = AT_ONCE.get(method, STREAMS)
        if self.inside[place] >= most:
            raise TooMany(f"{counted(most, 'request')} of your address are being answered: wait for them first.")
        weight = 0 if scope["path"].startswith(ALIVE) else WEIGHT if scope["path"] in WHOLE else 1
        for _ in range(weight):
            self.visits.count_event(address)

    def _weighed(self, scope: Scope, receive: Receive, address: str) -> Receive:
        """What the sender's body is read by, as far as it may be sent; the owner's (no address) is bounded in size alone."""
        most = self.visits.limits.upload_mb + 1
        size = charged = 0

        async def received() -> Message:
            nonlocal size, charged
            message = await receive()
            size += len(message.get("body", b""))
            if size > most * MEGABYTE:
                raise HTTPException(413, f"This is more than {most - 1} MB: send less at a time.")
            whole = -(-size // MEGABYTE) if scope["path"].endswith(KEPT) else size // MEGABYTE
            if address and whole > charged:
                try:
                    self.visits.count_sent(address, whole - charged)
                except TooMany as error:
                    raise HTTPException(429, str(error)) from error
                charged = whole
            return message

        return received


def _refusal(sentence: str, accept: str) -> Response:
    """For programs, which read ``error``, for the page, which shows ``detail``, and for people who open an address."""
    if accept.startswith("text/html"):
        return HTMLResponse(render("shared/later.html", sentence=sentence, seconds=AGAIN), 429)
    return JSONResponse({"error": sentence, "detail": sentence}, 429)
