"""Keeps the page's document and configuration as they were sent: Gradio copies and rewrites a megabyte for each visitor.

Both are the same for everybody who came by the same address: no sign-in of Gradio's own (``launch(auth=...)``) is used here.
"""

from __future__ import annotations

from collections import OrderedDict
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEPT = 8  # answers: of the few addresses that a page is known by, packed and not
METHODS = frozenset({"GET", "HEAD"})
ADDRESSES = ("/", "/config")
CHANGES = frozenset({"deep_link", "all_endpoints", "page"})  # what in a query has Gradio answer otherwise
# What Gradio makes the page's own address of (gradio.route_utils.get_request_origin).
ORIGIN = ("host", "x-forwarded-host", "x-forwarded-proto", "x-gradio-server")
Key = tuple[str | None, ...]


class SamePage:
    """Sends what was sent before to whoever asks for the same page by the same address; of 200, and what sets no cookie."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.kept: OrderedDict[Key, tuple[Message, bytes]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key(scope)
        if key is None:
            await self.app(scope, receive, send)
        elif key in self.kept:
            self.kept.move_to_end(key)
            start, body = self.kept[key]
            await send({**start, "headers": list(start["headers"])})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
        else:
            await self._ask(key, scope, receive, send)

    async def _ask(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}
        pieces: list[bytes] = []

        async def sent(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = {**message, "headers": list(message["headers"])}  # others may add to theirs
            elif message["type"] == "http.response.body":
                pieces.append(message.get("body", b""))
                if not message.get("more_body") and scope["method"] == "GET" and _for_all(start):
                    self._keep(key, start, b"".join(pieces))
            await send(message)

        await self.app(scope, receive, sent)

    def _keep(self, key: Key, start: Message, body: bytes) -> None:
        self.kept[key] = start, body
        if len(self.kept) > KEPT:
            self.kept.popitem(last=False)


def _for_all(start: Message) -> bool:
    return start["status"] == 200 and "set-cookie" not in Headers(raw=start["headers"])


def _key(scope: Scope) -> Key | None:
    """What the answer depends on; None where it may depend on more."""
    if scope["type"] != "http" or scope["method"] not in METHODS:
        return None
    root = scope.get("root_path", "")
    if (
        scope["path"].removeprefix(root) not in ADDRESSES
        or CHANGES & parse_qs(scope["query_string"].decode("latin-1")).keys()
    ):
        return None
    headers = Headers(scope=scope)
    packed = "gzip" if "gzip" in headers.get("accept-encoding", "") else ""
    return scope["scheme"], root, scope["path"], packed, *map(headers.get, ORIGIN)
