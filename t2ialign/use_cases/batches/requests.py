"""What a person may ask for, checked before anything heavy is imported: a seed batch, a grid of them, a folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from t2ialign import settings
from t2ialign.codec import IF_SAID
from t2ialign.files import PICTURES
from t2ialign.limits import (
    MAX_SIDE,
    SMALLEST_SIDE,
    check_guidance_scale,
    check_prompt,
    check_seeds,
    check_steps,
    clean_prompt,
    guidance_taken,
    whole_number,
)
from t2ialign.metrics import ALL, DEFAULT, NAMES, SHORT, named
from t2ialign.names import names_in, unknown
from t2ialign.registry import BackboneEntry, Registry, load_registry, resolve
from t2ialign.samplers import check_scheduler
from t2ialign.types import InputError, Prompt


@dataclass(frozen=True)
class BatchRequest:
    """One seed batch of one checkpoint. ``metrics`` empty means the short list (``metrics.DEFAULT``).

    ``scorers`` come before those of the backbone. ``height`` and ``width`` are in pixels, 0 for the backbone's own size.
    ``notes`` say what ``checked`` took otherwise than it was asked.
    """

    prompt: Prompt
    checkpoint: str
    seeds: tuple[int, ...]
    guidance_scale: float = 4.0
    num_inference_steps: int = 25
    scheduler: str = "ddim"
    guidance: str = "cfg"
    guidance_params: tuple[tuple[str, float | str], ...] = ()
    negative_prompt: str = ""
    metrics: tuple[str, ...] = ()
    scorers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    height: int = field(default=0, metadata=IF_SAID)
    width: int = field(default=0, metadata=IF_SAID)


NO_GUIDANCE = "CFG below 1 is taken for no guidance, as stock pipelines take it: these are the pictures of CFG 1."


def checked(request: BatchRequest) -> BatchRequest:
    """The request with its prompt tidied, its seeds, numbers, scheduler and metrics known to be good.

    Guidance below 1 becomes 1, the plain conditional model (``limits.guidance_taken``).

    Raises:
        InputError: what is wrong with the first of them that is, in one sentence.
    """
    prompt, seeds = replace(request.prompt, text=check_prompt(request.prompt.text)), check_seeds(request.seeds)
    clean_prompt(request.negative_prompt, "negative prompt")
    scale, steps = check_guidance_scale(request.guidance_scale), check_steps(request.num_inference_steps)
    check_scheduler(request.scheduler, steps)
    for side in (request.height, request.width):
        if whole_number(side, "Height and width") and not SMALLEST_SIDE <= side <= MAX_SIDE:
            raise InputError(f"Height and width are from {SMALLEST_SIDE} to {MAX_SIDE} pixels, not {side}.")
    notes = request.notes if scale >= 1 else tuple(dict.fromkeys((*request.notes, NO_GUIDANCE)))
    return replace(
        request,
        prompt=prompt,
        seeds=seeds,
        guidance_scale=guidance_taken(scale),
        num_inference_steps=steps,
        metrics=check_metrics(request.metrics),
        scorers=check_scorers(request.scorers),
        notes=notes,
    )


def check_checkpoints(specs: Iterable[str], home: Path | None) -> None:
    """Refuses checkpoints and blends that do not exist, before anything heavy is loaded.

    Raises:
        InputError: the first of them, with the nearest name that there is.
    """
    registry = load_registry(home=home)
    for spec in specs:
        resolve(spec, registry)


def backbones_of(specs: Iterable[str], registry: Registry) -> list[BackboneEntry]:
    """The known backbones of checkpoints of these names (or blends), one a name; nothing is fetched."""
    names = [name for spec in specs for name in names_in(spec) if name in registry.checkpoints]
    return [registry.backbones[registry.checkpoints[name].backbone] for name in names]


def check_scorers(names: Iterable[str]) -> tuple[str, ...]:
    """Known scorers of the registry; an unknown one is answered with the nearest."""
    known = load_registry().scorers
    for name in (chosen := tuple(names)):
        if name not in known:
            raise unknown("scorer", name, known)
    return chosen


def check_metrics(names: Iterable[str]) -> tuple[str, ...]:
    """Known metric names, each once; ``all`` swallows the others, ``short`` (the short list) those that are on it.

    An unknown one is answered with the nearest.
    """
    names = (names,) if isinstance(names, str) else names
    chosen = tuple(dict.fromkeys(str(name).strip() for name in names if str(name).strip()))
    if set(ALL) & set(chosen):
        return ALL
    for name in named(chosen):
        if name not in NAMES:
            raise unknown("metric", name, NAMES)
    if SHORT not in chosen:
        return chosen
    more = tuple(name for name in named(chosen) if name not in DEFAULT)
    return (SHORT, *more) if more else ()


def check_each(names: Iterable[str]) -> None:
    """``InputError`` unless each of them names one metric; nothing and ``all`` do not."""
    for name in names:
        if name not in NAMES:
            raise unknown("metric", name, NAMES)


def read_scales(said: Sequence[str], what: str = "Guidance scales") -> list[float]:
    """Guidance scales, or other numbers, as people write them."""
    try:
        return [float(scale) for scale in said]
    except ValueError as error:
        raise InputError(f"{what} are numbers separated by commas, as 1,2,4: {error}.") from error


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and not path.name.startswith("._") and path.is_file()


def picture_files(folder: Path) -> list[Path]:
    """The picture files of a folder, by name; not the ``._`` files that macOS leaves beside them, which are no pictures.

    Raises:
        InputError: no such folder, or no pictures in it.
    """
    folder = settings.expanded(folder)
    if not folder.is_dir():
        raise InputError(f"'{folder}' is not a folder; give one that holds the pictures to score.")
    try:
        files = sorted(path for path in folder.iterdir() if _is_picture(path))
    except OSError as error:
        raise InputError(f"'{folder}' cannot be read ({error.strerror}); choose another folder.") from error
    if not files:
        raise InputError(f"'{folder}' holds no pictures (png, jpg, webp, bmp, gif or tiff).")
    return files
