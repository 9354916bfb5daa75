"""Pictures for the page, each under an address that tells nothing about it: ``pictures/<cell>/<seed>.webp``.

The browser asks for a finished picture once and keeps it, so a live contact sheet sends only what is new. Beside it lie
``<seed>.png``, the same with its settings in it, to take away, and ``<seed>.json``, what the large view says of it.
"""

from __future__ import annotations

import base64
import io
import math
from functools import lru_cache

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from torch import Tensor

from t2ialign import __version__
from t2ialign.limits import MAX_SEED
from t2ialign.metrics import METRICS
from t2ialign.names import NAME, PLAIN, as_said
from t2ialign.pictures import PictureSettings, png_file, read_picture
from t2ialign.samplers import SCHEDULERS
from t2ialign.store import Store, find_cell, load_map, load_picture, pictures
from t2ialign.store.images import thumbnail
from t2ialign.store.scores import records_of
from t2ialign.types import InputError
from t2ialign.use_cases.previews import FOLDER

PREVIEW_PIXELS = 128
OVERLAY, STRONGEST = (255, 64, 180), 0.8  # a colour that no shape of the embedded world has; how opaque it may be
HEADERS = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}


def address(cell: str, seed: int, small: bool = False) -> str:
    """Where the page finds a stored picture, relative to the page; ``small`` is its thumbnail."""
    return f"pictures/{cell}/{seed}.webp{'?small' if small else ''}"


def picture_routes(store: Store) -> list[Route]:
    """What the server needs to answer for the addresses."""

    def take_away(request: Request) -> Response:
        cell, seed = _place(request)
        data = png_of(store, cell, seed)
        if data is None:
            return Response("This picture's file is not here: generate it again.", 404, media_type="text/plain")
        name = f'attachment; filename="t2ialign-{cell}-{seed}.png"'
        return Response(data, media_type="image/png", headers={**HEADERS, "Content-Disposition": name})

    def tell(request: Request) -> Response:
        made = settings_of(store, *_place(request))
        if made is None:
            return Response("There is no such picture.", 404, media_type="text/plain")
        return JSONResponse({"rows": rows_of(made), "parameters": made.parameters})

    return [
        _picture_route(store),
        _strip_route(store),
        Route("/pictures/{cell:str}/{seed:int}.png", take_away),
        Route("/pictures/{cell:str}/{seed:int}.json", tell),
    ]


def _picture_route(store: Store) -> Route:

    def answer(request: Request) -> Response:
        cell, seed = _place(request)
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


def _place(request: Request) -> tuple[str, int]:
    """Cell and seed of an address; no picture has a larger seed than there are, and no table could hold it."""
    return request.path_params["cell"], min(request.path_params["seed"], MAX_SEED + 1)


def _strip_route(store: Store) -> Route:
    """What checkpoints draw, for menus."""

    def answer(request: Request) -> Response:
        name = request.path_params["name"]
        file = store.home / "images" / FOLDER / f"{name}.webp"
        if not (NAME.fullmatch(name) and file.is_file()):
            return Response("There is no such strip.", 404, media_type="text/plain")
        return Response(file.read_bytes(), media_type="image/webp", headers=HEADERS)

    return Route(f"/pictures/{FOLDER}/{{name:str}}.webp", answer)


def picture_file(store: Store, cell: str, seed: int) -> bytes | None:
    """A picture's lossless file, its thumbnail where only that is stored, or ``None`` (also where only its scores are)."""
    shipped = (picture.thumbnail for picture in pictures(store, cell) if picture.seed == seed)
    return load_picture(store, cell, seed) or next(shipped, None) or None


def settings_of(store: Store, cell: str, seed: int) -> PictureSettings | None:
    """What made a stored picture, with its own scores; ``None`` where there is none."""
    try:
        found = find_cell(store, cell)
    except InputError:
        return None
    if seed not in found.seeds:
        return None
    records = [one for one in records_of(store, cell) if one.level == "image" and seed in one.seeds]
    scores = {one.metric: one.values[one.seeds.index(seed)] for one in records}
    known = {name: scores[name] for name in METRICS if name in scores and math.isfinite(scores[name])}
    return PictureSettings(found.prompt.text, found.config, seed, known, __version__)


def rows_of(made: PictureSettings) -> list[tuple[str, str]]:
    """Settings as names and values to read; scores stand beside the picture already."""
    config = made.config
    scheduler = SCHEDULERS[config.scheduler].summary.partition(":")[0] if config.scheduler in SCHEDULERS else ""
    params = "".join(f", {name} {as_said(value)}" for name, value in config.guidance_params)
    rows = [
        ("Prompt", made.prompt),
        ("Negative prompt", config.negative_prompt),
        ("Checkpoint", config.checkpoint if config.adapters else f"{config.checkpoint} ({config.backbone})"),
        ("CFG", f"{config.guidance_scale:g}"),
        ("Guidance", f"{config.guidance}{params}" if config.guidance != PLAIN or params else ""),
        ("Steps", f"{config.num_inference_steps}"),
        ("Scheduler", scheduler or config.scheduler),
        ("Seed", str(made.seed)),
        ("Size", f"{config.width} × {config.height}"),
    ]
    return [row for row in rows if row[1]]


def png_of(store: Store, cell: str, seed: int) -> bytes | None:
    """A stored picture as a PNG that carries its settings; ``None`` where only a smaller copy of it is here."""
    made = settings_of(store, cell, seed)
    data = load_picture(store, cell, seed)
    if made is None or data is None:
        return None
    return png_file(read_picture(data, "The stored picture"), made)


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
    """A picture that is taking shape, inside the page itself: lossy, at most 128 pixels wide; once for all who watch."""
    pixels = np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
    return _preview_uri(pixels.tobytes(), pixels.shape[1], pixels.shape[0])


@lru_cache(maxsize=64)
def _preview_uri(pixels: bytes, width: int, height: int) -> str:
    picture = Image.frombytes("RGB", (width, height), pixels)
    picture.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=60, method=0)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
