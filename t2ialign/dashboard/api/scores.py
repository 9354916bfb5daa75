"""Endpoints that measure and read: score, points, checkpoints."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from t2ialign.dashboard.api.endpoint import Call, said
from t2ialign.dashboard.api.pictures import WAIT, begun
from t2ialign.dashboard.api.records import Checkpoint, Checkpoints, Measured, Point, Points, Work
from t2ialign.dashboard.shared.chart_points import choose, load_points, usual_benchmark
from t2ialign.engines.local import Cancelled
from t2ialign.limits import clean_prompt
from t2ialign.names import strategy_of
from t2ialign.pictures import read_picture
from t2ialign.store import Filters, choices
from t2ialign.types import InputError, Interval, Metric
from t2ialign.use_cases.batches.requests import check_each, check_metrics, check_scorers
from t2ialign.use_cases.batches.score_pictures import PictureReport, default_scorers, measure_pictures, of_the_world

MOST_PIXELS = 1 << 24  # of all pictures together, decoded
LONGEST_SIDE = 4096  # pixels: what is measured in frequencies takes more memory the longer a narrow picture is
FEWER = f"send another, and at most {MOST_PIXELS:,} pixels in all"
PIXELS_A_STEP = 4096  # measured, they count as one picture step


@dataclass(frozen=True)
class AskScore:
    """Parameters of `score`: pictures from anywhere."""

    pictures: tuple[str, ...] = said("Picture files (PNG, JPEG, WebP) in base64, all of one size.")
    prompt: str = said("What they were to show; metrics of alignment need it.", "")
    metrics: tuple[str, ...] = said("Metrics by name; none: the short list.", ())
    scorers: tuple[str, ...] = said("Scorers of the registry; none: those of the embedded world. Owner only.", ())
    wait: float = said(WAIT, 30.0)


@dataclass(frozen=True)
class AskPoints:
    """Parameters of `points`: two metrics and which points."""

    x: str = said("The alignment metric; empty: the usual one.", "")
    y: str = said("The diversity metric; empty: the usual one.", "")
    checkpoints: tuple[str, ...] = said("Only these checkpoints; none: all.", ())
    categories: tuple[str, ...] = said("Only prompts of these categories; none: all.", ())
    benchmark: str = said("The benchmark set's key; empty: the one with most points.", "")


@dataclass(frozen=True)
class AskNothing:
    """Parameters of endpoints that have none."""


def score(call: Call, asked: AskScore) -> Work:
    """Begins measuring pictures that somebody sends; they are not kept."""
    if asked.scorers and not call.visitor.owner:
        raise InputError("Here only the owner names scorers, because they may be gigabytes: leave scorers empty.")
    clean_prompt(asked.prompt)
    metrics, images = check_metrics(asked.metrics), _read(asked.pictures, call.services.visits.limits.seeds)
    scorers = check_scorers(asked.scorers) or default_scorers(metrics)
    key = f"score {uuid.uuid4().hex}"

    def work(cancelled: Cancelled) -> Iterator[PictureReport]:
        found = measure_pictures(images, asked.prompt, metrics, scorers)
        notes = found.notes if asked.scorers else (*found.notes, *of_the_world(found.scores))
        yield PictureReport(found.scores, found.skipped, found.size, notes=notes)

    def start() -> str:
        call.services.engine.submit(key, work)
        return key

    return begun(call, images[:, 0].numel() // PIXELS_A_STEP, start)


def points(call: Call, asked: AskPoints) -> Points:
    """The points of the trade-off chart."""
    check_each(one for one in (asked.x, asked.y) if one)
    call.services.shipped.wait()
    filters = Filters(checkpoints=asked.checkpoints, categories=asked.categories)
    benchmark = asked.benchmark or usual_benchmark(call.services, filters)
    filters = Filters(checkpoints=asked.checkpoints, categories=asked.categories, benchmarks=(benchmark,))
    chosen = choose(asked.x, asked.y, choices(call.services.store)["metrics"], filters)
    found = load_points(call.services, chosen)
    made = tuple(
        Point(
            one.config.checkpoint,
            one.config.guidance_scale,
            strategy_of(one.config),
            one.config.num_inference_steps,
            _measured(chosen.x, one.x, one.x_version),
            _measured(chosen.y, one.y, one.y_version),
            one.prompts,
            one.seeds,
            tuple(note for note, _ in one.notes),
        )
        for one in found.points
    )
    return Points(chosen.x.name, chosen.y.name, benchmark, made, found.left_out)


def checkpoints(call: Call, asked: AskNothing) -> Checkpoints:
    """All that can be drawn with."""
    registry = call.services.bench.registry()
    return Checkpoints(
        tuple(
            Checkpoint(
                name,
                entry.backbone,
                str(entry.kind or "backbone"),
                not (isinstance(entry.adapter, str) or isinstance(registry.backbones[entry.backbone].source, str)),
            )
            for name, entry in call.services.checkpoints().items()
        )
    )


def _measured(metric: Metric, value: Interval, version: str) -> Measured:
    return Measured(metric.name, metric.axis, value.mean, value.lo, value.hi, version)


def _read(files: tuple[str, ...], most: int) -> UInt8[Tensor, "n 3 h w"]:
    """The pictures, decoded one by one within bounds."""
    if not 1 <= len(files) <= most:
        raise InputError(f"Send 1 to {most} pictures at a time, not {len(files)}.")
    found: list[np.ndarray] = []
    left = MOST_PIXELS
    for number, text in enumerate(files, 1):
        try:
            data = base64.b64decode(text.rpartition("base64,")[2], validate=True)
        except (binascii.Error, ValueError):
            raise InputError(f"Picture {number} is not base64: send the file's bytes in base64.") from None
        found.append(np.array(read_picture(data, f"Picture {number}", FEWER, left)))
        left -= found[-1].shape[0] * found[-1].shape[1]
        if found[-1].shape != found[0].shape:
            raise InputError(f"Picture {number} has another size than the first: resize them to one size.")
        if max(found[-1].shape) > LONGEST_SIDE:
            raise InputError(f"Picture {number} has a side of more than {LONGEST_SIDE:,} pixels: resize it.")
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).contiguous()
