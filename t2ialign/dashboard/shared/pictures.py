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

from t2ialign.store import Store, load_map, load_picture, pictures
from t2ialign.store.images import thumbnail

PREVIEW_PIXELS = 128
OVERLAY, STRONGEST = (255, 64, 180), 0.8  # a colour that no shape of the embedded world has; how opaque it may be
HEADERS = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}


def address(cell: str, seed: int, small: bool = False) -> str:
    """Where the page finds a stored picture, relative to the page; ``small`` is its thumbnail."""
    return f"pictures/{cell}/{seed}.webp{'?small' if small else ''}"


def picture_route(store: Store) -> Route:
    """What the server needs to answer for the addresses."""

    def answer(request: Request) -> Response:
        cell, seed = request.path_params["cell"], request.path_params["seed"]
        if "map" in request.query_params:
            overlay = overlay_file(store, cell, seed)
            missing = Response("No map was kept of this picture.", 404, media_type="text/plain")
            return missing if overlay is None else Response(overlay, media_type="image/png", headers=HEADERS)
        data = picture_file(store, cell, seed)
        if data is None:
            return Response("There is no such picture.", 404, media_type="text/plain")
        small = "small" in request.query_params
        return Response(thumbnail(data) if small else data, media_type="image/webp", headers=HEADERS)

    return Route("/pictures/{cell:str}/{seed:int}.webp", answer)


def picture_file(store: Store, cell: str, seed: int) -> bytes | None:
    """A picture's lossless file, its thumbnail where only that is stored, or ``None``."""
    shipped = (picture.thumbnail for picture in pictures(store, cell) if picture.seed == seed)
    return load_picture(store, cell, seed) or next(shipped, None)


def overlay_file(store: Store, cell: str, seed: int) -> bytes | None:
    """Where in a picture the prompt speaks, as a PNG to lay over it: opaque where its information is densest."""
    share = load_map(store, cell, seed)
    if share is None:
        return None
    strength = (share / share.max()).clamp(0, 1).numpy()
    pixels = np.zeros((*strength.shape, 4), dtype=np.uint8)
    pixels[..., :3] = OVERLAY
    pixels[..., 3] = np.rint(255 * STRONGEST * strength)
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(buffer, "PNG")
    return buffer.getvalue()


def preview_uri(image: UInt8[Tensor, "3 h w"]) -> str:
    """A picture that is taking shape, inside the page itself: lossy, at most 128 pixels wide."""
    picture = Image.fromarray(np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy()))
    picture.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=60, method=0)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
