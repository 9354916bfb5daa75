"""Pictures from anywhere to scores: what can be measured is, and what cannot is named with what it lacks."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from t2ialign.encoders import ENCODERS, provided
from t2ialign.limits import clean_prompt, literal_note
from t2ialign.metrics import METRICS, SHORT, listed, named
from t2ialign.metrics.scoring import score_features
from t2ialign.registry import load_registry
from t2ialign.types import Encoder, InputError, Metric, Prompt, Score
from t2ialign.use_cases.batches.picture_folders import read_pictures
from t2ialign.use_cases.batches.requests import check_metrics, picture_files
from t2ialign.use_cases.batches.scoring import features_of, unread_notes, weights_of
from t2ialign.use_cases.workbench import SAMPLED, Workbench, bare_workbench

SMALLEST = 11  # pixels: the window of SSIM
Watch = Callable[[float, float | None], None]


@dataclass(frozen=True)
class PictureReport:
    """Scores of pictures in the order of ``files``; ``skipped`` says of every other metric of the list why it is none."""

    scores: Mapping[str, Score]
    skipped: Mapping[str, str]
    size: tuple[int, int]
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def score_images(
    images: Tensor, prompt: str = "", metrics: Sequence[str] = (), scorers: Sequence[str] = ()
) -> dict[str, Score]:
    """Scores any pictures [n, 3, h, w] of one prompt: uint8, or floats in [0, 1] as pipelines give them.

    Without ``metrics`` it is by the short list, with ``("all",)`` by every one. ``scorers`` are names of the registry;
    those of the pixels (SSIM, entropy, ...) need none. What cannot be measured (faithfulness to a prompt without a prompt,
    differences of a single picture) is left out, or answered with a sentence where it was asked for by name. What of the
    prompt is not read comes as a warning (``UserWarning``).

    Raises:
        InputError: an unknown metric or scorer, weights that cannot be reached, or pictures that are too small or none.
    """
    found = measure_pictures(eight_bits(images), prompt, metrics, scorers)
    for note in found.notes:
        warnings.warn(note, stacklevel=2)
    return dict(found.scores)


def eight_bits(images: Tensor) -> UInt8[Tensor, "n 3 h w"]:
    """Pictures as uint8; floats in [0, 1] are scaled and rounded.

    Raises:
        InputError: another shape or kind of number, nothing in it, or floats outside [0, 1].
    """
    if not isinstance(images, Tensor) or images.ndim != 4 or images.shape[1] != 3 or not images.numel():
        found = list(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise InputError(f"Pictures are a torch tensor of the shape [n, 3, h, w], not {found}: stack or permute them.")
    if images.dtype == torch.uint8:
        return images.cpu()
    if not images.is_floating_point():
        raise InputError(f"Pictures are uint8, or floats in [0, 1], not {images.dtype}: convert them.")
    low, high = images.min().item(), images.max().item()
    if not 0 <= low <= high <= 1:
        raise InputError(f"Float pictures lie in [0, 1], and these in [{low:g}, {high:g}]: scale them, or give uint8.")
    return (images.float() * 255).round().to(torch.uint8).cpu()


def score_folder(
    folder: Path, prompt: str, metrics: Sequence[str], scorers: Sequence[str], watch: Watch = lambda *_: None
) -> PictureReport:
    """Scores every picture of a folder; by the embedded world's scorers, which are on every machine, if none are named."""
    files = picture_files(folder)
    readers = tuple(scorers) or default_scorers(metrics)
    found = measure_pictures(read_pictures(files), prompt, metrics, readers, watch)
    notes = found.notes if scorers else (*found.notes, *of_the_world(found.scores))
    return PictureReport(found.scores, found.skipped, found.size, tuple(path.name for path in files), notes)


def default_scorers(metrics: Sequence[str]) -> tuple[str, ...]:
    """The embedded world's scorers, where a metric needs more than pixels."""
    chosen = check_metrics(metrics)
    wanted = [] if SHORT in chosen else [METRICS[name] for name in named(chosen)]
    if wanted and all(set(metric.needs) <= {"images"} for metric in wanted):
        return ()
    return load_registry().backbones["shapes"].scorers


def measure_pictures(
    images: UInt8[Tensor, "n 3 h w"],
    prompt: str,
    metrics: Sequence[str],
    scorers: Sequence[str],
    watch: Watch = lambda *_: None,
) -> PictureReport:
    """The whole account behind ``score_images``; ``watch`` hears the finished fraction and the seconds left."""
    said, asked = Prompt(clean_prompt(prompt)), check_metrics(metrics)
    height, width = images.shape[2:]
    if min(height, width) < SMALLEST:
        raise InputError(
            f"Pictures of {width} x {height} pixels are too small to be measured: {SMALLEST} a side, at least."
        )
    bench = bare_workbench()
    encoders, away = _loaded(bench, scorers)
    menu, by_name = listed(asked), named(asked)
    skipped = {name: why for name in menu if (why := _obstacle(METRICS[name], len(images), said, encoders, away))}
    if by_name:
        lacking = {name: skipped[name] for name in by_name if name in skipped}
        _refuse(lacking, [name for name in lacking if not away.keys() & METRICS[name].needs], len(menu))
    chosen = [METRICS[name] for name in menu if name not in skipped]
    scores = _measured(images, said, chosen, encoders, watch)
    blank = [name for name, score in scores.items() if name not in by_name and score.values.isnan().all()]
    skipped |= dict.fromkeys(blank, "knows the embedded world's prompts only")
    known = {name: score for name, score in scores.items() if name not in blank}
    used = [one for one in encoders if any(set(one.provides) & set(METRICS[name].needs) for name in known)]
    notes = tuple(filter(None, (literal_note(said.text), *unread_notes(used, said))))
    left = {name: skipped[name] for name in menu if name in skipped}
    return PictureReport(known, left, (width, height), notes=notes)


def _loaded(bench: Workbench, scorers: Sequence[str]) -> tuple[list[Encoder], dict[str, str]]:
    """The scorers whose weights are here, and why the features of the others cannot be had now."""
    encoders: list[Encoder] = []
    away: dict[str, str] = {}
    for name in scorers:
        try:
            encoders.append(bench.encoder(name))
        except InputError as error:
            known = bench.registry().scorers
            features = provided(known[name]) if name in known else None
            if not features:
                raise
            away |= dict.fromkeys(features, str(error).rstrip("."))
    return encoders, away


def _refuse(skipped: Mapping[str, str], impossible: Sequence[str], asked: int) -> None:
    """Raises for the first metric that was asked for and never can be measured, or for the first if none is left."""
    for name in impossible or (list(skipped) if len(skipped) == asked else ()):
        raise InputError(f"'{name}' {skipped[name]}.")


def _measured(
    images: Tensor, prompt: Prompt, metrics: Sequence[Metric], encoders: Iterable[Encoder], watch: Watch
) -> dict[str, Score]:
    """Encodes the pictures with what the metrics need, then computes one metric after another."""
    needs = {need for metric in metrics for need in metric.needs}
    readers = [encoder for encoder in encoders if needs.intersection(encoder.provides)]
    begun, total, scores, features = time.monotonic(), len(readers) + len(metrics), {}, {"images": images}
    for done, encoder in enumerate(readers):
        watch(done / total, _left(begun, done, total))
        features |= features_of(images, prompt, [encoder])
    for done, metric in enumerate(metrics, len(readers)):
        watch(done / total, _left(begun, done, total))
        scores[metric.name] = score_features(metric, features, weights_of(metric, readers))
    watch(1.0, None)
    return scores


def _left(begun: float, done: int, total: int) -> float | None:
    return (time.monotonic() - begun) / done * (total - done) if done else None


def _obstacle(
    metric: Metric, pictures: int, prompt: Prompt, encoders: Iterable[Encoder], away: Mapping[str, str]
) -> str:
    """Why a metric cannot be measured on these pictures; empty where it can."""
    if set(metric.needs) & (SAMPLED - {"images"}):
        return (
            f"is measured while a picture is sampled; ask for '{metric.name.removesuffix('_released')}_renoise' instead"
        )
    if missing := set(metric.needs) - SAMPLED.union(*(encoder.provides for encoder in encoders)):
        gone = [away[feature] for feature in sorted(missing) if feature in away]
        return f"cannot be measured now: {gone[0]}" if gone else _lack(missing)
    if metric.axis == "alignment" and metric.name != "aesthetic" and not prompt.text:
        return "compares pictures with their prompt; say what they were to show with --prompt"
    if metric.level != "image" and pictures < 2:
        return "compares pictures with each other; give it a folder of at least two"
    return ""


def _lack(missing: set[str]) -> str:
    """Which scorers of the registry would provide what those at hand do not."""
    able = scorers_of(missing)
    if not able:
        return f"reads {', '.join(sorted(missing))}, which none of these scorers provides"
    return f"needs another scorer: --scorers {' or '.join(able)}"


def scorers_of(needs: Iterable[str]) -> list[str]:
    """The registry's scorers that provide a feature; of those of one loader, the one named like the feature."""
    loaders = {entry.loader for entry in ENCODERS.values() if set(entry.provides).intersection(needs)}
    able = [name for name, entry in load_registry().scorers.items() if entry.loader in loaders]
    alike = [name for name in able if _letters(name) in {_letters(need) for need in needs}]
    return alike or able


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name))


def of_the_world(names: Iterable[str]) -> tuple[str, ...]:
    """A word of warning where pictures from anywhere were read by scorers that know the embedded world only."""
    read = [name for name in names if not set(METRICS[name].needs) <= {"images"}]
    if not read:
        return ()
    return (
        f"{', '.join(read)}: read by the embedded world's scorers, which know its coloured shapes only; "
        "for photographs, name others, as --scorers clip-vit-b-32,lpips-alex.",
    )
