"""Pictures for the page, each under an address that tells nothing about it: ``pictures/<cell>/<seed>.webp``.

The browser asks for a finished picture once and keeps it, so a live contact sheet sends only what is new.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from torch import Tensor

from t2ialign.store import Store, load_picture, pictures
from t2ialign.store.images import thumbnail

PREVIEW_PIXELS = 128
HEADERS = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}


def address(cell: str, seed: int, small: bool = False) -> str:
    """Where the page finds a stored picture, relative to the page; ``small`` is its thumbnail."""
    return f"pictures/{cell}/{seed}.webp{'?small' if small else ''}"


def picture_route(store: Store) -> Route:
    """What the server needs to answer for the addresses."""

    def answer(request: Request) -> Response:
        data = picture_file(store, request.path_params["cell"], request.path_params["seed"])
        if data is None:
            return Response("There is no such picture.", 404, media_type="text/plain")
        small = "small" in request.query_params
        return Response(thumbnail(data) if small else data, media_type="image/webp", headers=HEADERS)

    return Route("/pictures/{cell:str}/{seed:int}.webp", answer)


def picture_file(store: Store, cell: str, seed: int) -> bytes | None:
    """A picture's lossless file, its thumbnail where only that is stored, or ``None``."""
    shipped = (picture.thumbnail for picture in pictures(store, cell) if picture.seed == seed)
    return load_picture(store, cell, seed) or next(shipped, None)


def preview_uri(image: UInt8[Tensor, "3 h w"]) -> str:
    """A picture that is taking shape, inside the page itself: lossy, at most 128 pixels wide."""
    picture = Image.fromarray(np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy()))
    picture.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=60, method=0)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
