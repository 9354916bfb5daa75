"""The page's head stands in the document before Gradio's first script; all other answers go on as they come."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from t2ialign.dashboard.shared.early_head import MARK, EarlyHead

DOCUMENT = "<head><title>é</title>" + MARK.decode() + " = {}</script></head>"
HEAD = "<style>.é{}</style>"


def document(request: Request) -> Response:
    return HTMLResponse(DOCUMENT)


def pieces(request: Request) -> Response:
    async def said() -> AsyncIterator[str]:
        for piece in (DOCUMENT[:30], DOCUMENT[30:]):
            yield piece

    return StreamingResponse(said(), media_type=request.query_params["type"])


def packed(request: Request) -> Response:
    return HTMLResponse(MARK, headers={"Content-Encoding": "br"})


def plain(request: Request) -> Response:
    return HTMLResponse("<p>of another page</p>")


CLIENT = TestClient(
    Starlette(
        routes=[Route(f"/{one.__name__}", one) for one in (document, pieces, packed, plain)],
        middleware=[Middleware(EarlyHead, head=HEAD)],
    )
)


def test_the_head_stands_before_the_first_script() -> None:
    wanted = DOCUMENT.replace(MARK.decode(), HEAD + MARK.decode())
    for address in ("/document", "/pieces?type=text/html"):
        answer = CLIENT.get(address, headers={"Accept-Encoding": "identity"})
        assert answer.text == wanted and "content-encoding" not in answer.headers
        assert int(answer.headers["content-length"]) == len(wanted.encode())


def test_a_document_is_packed_for_who_can_unpack_it() -> None:
    with CLIENT.stream("GET", "/document", headers={"Accept-Encoding": "br, gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert gzip.decompress(raw).decode() == DOCUMENT.replace(MARK.decode(), HEAD + MARK.decode())
    assert int(answer.headers["content-length"]) == len(raw)
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")


def test_other_answers_are_as_they_were() -> None:
    assert CLIENT.get("/pieces?type=text/event-stream").text == DOCUMENT
    assert CLIENT.get("/plain").text == "<p>of another page</p>"
    with CLIENT.stream("GET", "/packed") as answer:
        assert b"".join(answer.iter_raw()) == MARK
