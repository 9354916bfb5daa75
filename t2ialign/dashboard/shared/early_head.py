"""Puts the page's head into the document itself: Gradio's ``launch(head=...)`` adds it once its own scripts have run.

The document, a megabyte of configuration, is packed where the browser can unpack it.
"""

from __future__ import annotations

import gzip
from functools import lru_cache

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MARK = b"<script>window.gradio_config"  # the first script of Gradio's document, and of no other answer


class EarlyHead:
    """Writes ``head`` before the first script of Gradio's document; whatever else is sent goes on as it comes."""

    def __init__(self, app: ASGIApp, head: str) -> None:
        self.app = app
        self.head = head.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}
        held = b""

        async def sent(message: Message) -> None:
            nonlocal start, held
            if message["type"] == "http.response.start" and _is_document(message):
                start = message
            elif not start:
                await send(message)
            else:
                held += message.get("body", b"")
                if not message.get("more_body"):
                    whole = held.replace(MARK, self.head + MARK, 1)
                    headers = MutableHeaders(scope=start)
                    if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
                        whole, headers["content-encoding"] = _packed(whole), "gzip"
                    headers.add_vary_header("Accept-Encoding")
                    headers["content-length"] = str(len(whole))
                    await send(start)
                    await send({"type": "http.response.body", "body": whole})

        await self.app(scope, receive, sent if scope["type"] == "http" else send)


@lru_cache(maxsize=4)
def _packed(document: bytes) -> bytes:
    return gzip.compress(document, 6, mtime=0)


def _is_document(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
