"""``GET /healthz``: whether the page can answer, for what watches over it (Docker, a proxy, a cluster)."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from t2ialign import __version__
from t2ialign.store import Store
from t2ialign.types import InputError

_log = logging.getLogger(__name__)


def health_route(store: Store) -> Route:
    """200 while the store answers, else 503; why is for the log, because anybody may ask."""

    def answer(request: Request) -> Response:
        try:
            store.rows("SELECT 1")
        except InputError as error:
            _log.warning("The store does not answer: %s", error)
            return JSONResponse({"status": "the store does not answer", "version": __version__}, 503)
        return JSONResponse({"status": "ok", "version": __version__}, headers={"Cache-Control": "no-store"})

    return Route("/healthz", answer)
