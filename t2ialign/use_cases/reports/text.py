"""Use cases' results as plain records and lines, for the command line and for whoever calls it."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from PIL import Image

from t2ialign import __version__, store
from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import FEWEST
from t2ialign.names import PLAIN, strategy_of, unknown
from t2ialign.pictures import PictureSettings, png_file
from t2ialign.registry import CheckpointEntry
from t2ialign.seeds import is_own
from t2ialign.store.reference import pictured
from t2ialign.tradeoff.comparison import Comparison
from t2ialign.tradeoff.points import CellScore, tradeoff_points
from t2ialign.types import GenerationConfig, InputError, Interval, Score, TradeoffPoint
from t2ialign.use_cases.batches.requests import check_each
from t2ialign.use_cases.batches.score_batch import BatchState
from t2ialign.use_cases.batches.score_pictures import PictureReport

TOO_FEW = (
    f"Too few to say: the interval of pairs takes {FEWEST['pair']} pictures that differ, that of a whole set "
    f"{FEWEST['batch']}. Fewer may all lack a kind that one in ten shows."
)
LONGEST = 160  # letters of a prompt on a terminal


def jsonable(value: Any) -> Any:
    """The same value in what JSON knows; NaN and infinities become null, because JSON has none."""
    if isinstance(value, torch.Tensor):
        return jsonable(value.tolist())
    if is_dataclass(value) and not isinstance(value, type):
        return jsonable(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): jsonable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def score_record(score: Score, pairs: bool = True) -> dict[str, Any]:
    """A score as the command line prints it; the pair matrix only where asked for."""
    hidden = score.level == "pair" and not pairs
    return {
        "axis": score.axis,
        "level": score.level,
        "values": [] if hidden else score.values,
        "mean": score.mean,
        "lo": score.lo,
        "hi": score.hi,
        "version": score.version,
    }


def write_pictures(state: BatchState, out: Path) -> dict[int, Path]:
    """Saves a batch as ``seed-0007.png`` files that carry their settings and scores."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        files = {seed: out / f"seed-{seed:04d}.png" for seed in state.images}
        for seed, picture in state.images.items():
            drawn = Image.fromarray(picture.permute(1, 2, 0).numpy())
            files[seed].write_bytes(png_file(drawn, settings_of(state, seed)))
    except OSError as error:
        raise InputError(
            f"The pictures cannot be written to '{out}' ({error.strerror}); choose another folder."
        ) from error
    return files


def settings_of(state: BatchState, seed: int) -> PictureSettings:
    """What made one of a batch's pictures, with the scores that are its own."""
    place = list(state.images).index(seed)
    single = {name: score.values for name, score in state.scores.items() if score.level == "image"}
    known = {name: float(values[place]) for name, values in single.items() if len(values) == len(state.images)}
    return PictureSettings(state.request.prompt.text, state.config, seed, known, __version__)


def batch_report(state: BatchState, out: Path | None) -> dict[str, Any]:
    """What ``generate --json`` prints."""
    files = write_pictures(state, out) if out else {}
    information = (
        dict(zip(state.batch.seeds, state.batch.mutual_information.tolist(), strict=True)) if state.batch else {}
    )
    return {
        "cell": state.cell,
        "from_store": state.from_store,
        "seconds": round(state.seconds, 3),
        "images": [
            {
                "seed": seed,
                "file": files.get(seed),
                "sha256": hashlib.sha256(picture.numpy().tobytes()).hexdigest(),
                "mutual_information": information.get(seed),
            }
            for seed, picture in state.images.items()
        ],
        "scores": {name: score_record(score) for name, score in state.scores.items()},
        "notes": list(state.notes),
        "left_out": list(state.left_out),
    }


def batch_lines(state: BatchState) -> Iterator[str]:
    """The same in words."""
    how = "read from the store" if state.from_store else f"{state.generated} generated in {state.seconds:.1f} s"
    prompt = state.request.prompt.text
    shown = prompt if len(prompt) <= LONGEST else f"{prompt[:LONGEST]} ..."
    yield f"{len(state.images)} pictures of '{shown}' ({how})"
    yield from score_lines(state.scores)


def score_lines(scores: Mapping[str, Score]) -> Iterator[str]:
    """A line a score: mean, 95 % interval and unit, names and numbers in columns."""
    width = max(map(len, scores), default=0)
    for name, score in scores.items():
        interval = "" if math.isnan(score.mean) else _ends(Interval(score.mean, score.lo, score.hi))
        yield f"  {score.axis:<10} {name:<{width}} {score.mean:9.3f}  {interval:<20} {_unit(name)}".rstrip()
    yield from _warnings(scores)


def with_ends(found: Interval, sign: str = "") -> str:
    """``0.710 [0.662, 0.750]``, or the mean alone where the ends are unknown; ``sign`` "+" shows it."""
    if math.isnan(found.lo):
        return f"{found.mean:{sign}.3f}"
    return f"{found.mean:{sign}.3f} [{found.lo:{sign}.3f}, {found.hi:{sign}.3f}]"


def _ends(found: Interval) -> str:
    return "(too few to say)" if math.isnan(found.lo) else f"[{found.lo:.3f}, {found.hi:.3f}]"


def _unit(name: str) -> str:
    """A metric's unit, and a word where less of it is better."""
    metric = METRICS.get(name)
    if metric is None:
        return ""
    less = {"alignment": "better", "diversity": "more diverse"}[metric.axis]
    return metric.unit if metric.higher_is_better else f"{metric.unit}, lower is {less}"


def _warnings(scores: Mapping[str, Score]) -> Iterator[str]:
    """What must be said of metrics that measure no set, or not sets of any size alike."""
    metrics = [METRICS[name] for name in scores if name in METRICS]
    alone = [metric.name for metric in metrics if metric.axis == "diversity" and metric.level == "image"]
    grows = [metric.name for metric in metrics if metric.equal_n]
    sets = [one for one in scores.values() if one.level != "image" and math.isnan(one.lo) and not math.isnan(one.mean)]
    if alone:
        yield f"  {', '.join(alone)}: of single pictures; copies of one score like different ones, so no set diversity."
    if grows:
        yield f"  {', '.join(grows)}: grow with the number of pictures; compare sets of equal size only."
    if sets:
        yield f"  {TOO_FEW}"


def picture_report(report: PictureReport, pairs: bool) -> dict[str, Any]:
    """What ``score --json`` prints."""
    return {
        "files": report.files,
        "scores": {name: score_record(score, pairs) for name, score in report.scores.items()},
        "skipped": report.skipped,
        "notes": report.notes,
    }


def picture_lines(report: PictureReport, pairs: bool) -> Iterator[str]:
    """The same in words; with ``pairs``, each pair metric's matrix after the list."""
    width, height = report.size
    number = "1 picture" if len(report.files) == 1 else f"{len(report.files)} pictures"
    yield f"{number} of {width} x {height} pixels; mean and 95 % interval"
    yield from score_lines(report.scores)
    yield from (f"  {note}" for note in report.notes)
    for name, score in report.scores.items():
        if pairs and score.level == "pair":
            yield f"{name}, all pairs:"
            yield from _matrix(report.files, score.values.tolist())
    if report.skipped:
        yield "Not measured:"
    for why in dict.fromkeys(report.skipped.values()):
        yield f"  {', '.join(name for name, reason in report.skipped.items() if reason == why)}: {why}"


def _matrix(files: Sequence[str], rows: Sequence[Sequence[float]]) -> Iterator[str]:
    width = max(map(len, files))
    for file, row in zip(files, rows, strict=True):
        yield f"  {file:<{width}} {' '.join(f'{round(value, 3) + 0.0:8.3f}' for value in row)}"


def stored_points(
    opened: store.Store,
    x: str,
    y: str,
    categories: Sequence[str] = (),
    checkpoints: Sequence[str] = (),
    benchmark: str = "",
) -> list[TradeoffPoint]:
    """The points of the trade-off chart between two metrics, from every stored cell that has both, backbone by backbone.

    Each backbone has scorers of its own, so that points of two lie on no axis together. ``benchmark``: a benchmark set by
    title or key, of which alone prompts and seeds then count.

    Raises:
        InputError: no such metric or benchmark set.
    """
    check_each((x, y))
    sets = benchmark_keys(opened, benchmark)
    filters = store.Filters(categories=tuple(categories), checkpoints=tuple(checkpoints), benchmarks=sets)
    by_backbone: dict[str, list[CellScore]] = {}
    for row in newest_scores(opened, x, y, filters):
        by_backbone.setdefault(row.config.backbone, []).append(row)
    return [point for rows in by_backbone.values() for point in tradeoff_points(rows, METRICS[x], METRICS[y])]


def benchmark_keys(opened: store.Store, said: str) -> tuple[str, ...]:
    """The benchmark set of a title or key, for ``Filters``; none for "".

    Raises:
        InputError: there is no such set.
    """
    known = store.list_benchmarks(opened) if said else []
    found = tuple(row.key for row in known if said in (row.key, row.title))[:1]
    if said and not found:
        raise unknown("benchmark set", said, [row.title for row in known])
    return found


def newest_scores(opened: store.Store, x: str, y: str, filters: store.Filters) -> list[CellScore]:
    """Each cell's scores of two metrics, as the metrics are defined today where any cell has such."""
    return newest(store.cell_scores(opened, x, y, filters))


@runtime_checkable
class _Scored(Protocol):
    @property
    def metric(self) -> str: ...
    @property
    def version(self) -> str: ...


Row = TypeVar("Row", bound=_Scored)


def _of_today(score: _Scored) -> bool:
    """Whether a score was made by its metric as it is defined today, with whatever weights."""
    return score.metric in METRICS and score.version.partition("+")[0] == METRICS[score.metric].version


def newest(rows: Sequence[Row]) -> list[Row]:
    """The rows of today's definition of each metric; those of older ones only where it has none of today's."""
    today = {row.metric for row in rows if _of_today(row)}
    return [row for row in rows if row.metric not in today or _of_today(row)]


def difference_text(one: Comparison) -> str:
    """The paired difference with its interval; both means where a metric has none."""
    if one.difference is None:
        return f"{one.base_mean.mean:.2f} → {one.policy_mean.mean:.2f}"
    return with_ends(one.difference, "+")


def write_reference(opened: store.Store, folder: Path, scores_only: bool = False) -> Iterator[tuple[Path, int]]:
    """Writes what sweeps have stored, a Parquet file for each checkpoint, strategy and CFG; yields each file and its size.

    Only pictures on seeds of a prompt's own (``seeds``): what was typed, or sampled for training, stays behind, as do scores of
    older definitions of a metric and those of a sweep's early look. ``scores_only``: files ``...-scores.parquet`` without
    pictures, of what the folder's other files have no pictures of.

    Raises:
        InputError: a Parquet file of the folder that cannot be read.
    """
    from t2ialign.use_cases.sweeps.plan import COARSE_SEEDS

    groups: dict[str, list[str]] = {}
    shown = pictured(folder) if scores_only else {}
    for cell in store.list_cells(opened):
        own = {seed for seed in cell.seeds if is_own(cell.prompt, seed)}
        if not own or own <= shown.get(cell.key, frozenset()):
            continue
        groups.setdefault(_file_of(cell.config, scores_only), []).append(cell.key)
    folder.mkdir(parents=True, exist_ok=True)
    for name, cells in groups.items():
        path = folder / f"{name}.parquet"
        yield path, store.export_reference(opened, cells, path, _of_today, is_own, COARSE_SEEDS, scores_only)


def _file_of(config: GenerationConfig, scores_only: bool) -> str:
    """``minimal_dpo-cads-cfg-4-scores``, plain guidance without its name."""
    strategy = strategy_of(config)
    by = "" if strategy == PLAIN else f"-{re.sub('[^A-Za-z0-9._@+-]+', '-', strategy)}"
    return f"{config.checkpoint}{by}-cfg-{config.guidance_scale:g}{'-scores' if scores_only else ''}"


def point_lines(points: Sequence[TradeoffPoint], against: str = "") -> Iterator[str]:
    """A line a point; with ``against`` its values are changes from that checkpoint's point, with their sign."""
    sign = "+" if against else ""
    if not points:
        yield "No stored run has both metrics yet; generate some pictures first."
    wide = max((len(point.config.checkpoint) for point in points), default=0)
    backbones = dict.fromkeys(point.config.backbone for point in points)
    shown = ""
    for point in points:
        if len(backbones) > 1 and point.config.backbone != shown:
            shown = point.config.backbone
            scorers = {version.partition("+")[2].partition(":")[0] for version in (point.x_version, point.y_version)}
            yield f"Of {shown}{', scored by ' if any(scorers) else ''}{' and '.join(sorted(scorers - {''}))}:"
        strategy = strategy_of(point.config)
        yield (
            f"{point.config.checkpoint:<{wide}} CFG {point.config.guidance_scale:<5g} "
            f"{'' if strategy == PLAIN else f'{strategy} '}{point.x_metric} {point.x.mean:{sign}.3f} "
            f"{_ends(point.x)}  {point.y_metric} {point.y.mean:{sign}.3f} {_ends(point.y)}"
            f"  ({point.prompts} prompts, {point.seeds} pictures)"
        )
        yield from (f"  {note}" for note in store.counted_notes(point))


def checkpoint_rows(checkpoints: Iterable[CheckpointEntry]) -> list[dict[str, Any]]:
    return [
        {
            "name": entry.name,
            "backbone": entry.backbone,
            "title": entry.title,
            "kind": entry.kind or "backbone",
            "method": entry.method,
            "parents": entry.parents,
            "note": entry.note,
            "licence": entry.licence,
            "paper": entry.paper,
        }
        for entry in checkpoints
    ]
