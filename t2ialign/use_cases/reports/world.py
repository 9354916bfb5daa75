"""Every promise of the embedded world, measured: its oracle, its small CLIP, its base, and the trade-off along guidance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy import stats

from t2ialign import store
from t2ialign.diffusion.backbone import load_backbone
from t2ialign.diffusion.generate import generate
from t2ialign.diffusion.stock import stock_pictures
from t2ialign.encoders.clip import ClipEncoder
from t2ialign.metrics import METRICS
from t2ialign.seeds import designed_seeds
from t2ialign.shapes import evaluate
from t2ialign.shapes.grammar import is_held_out, parse
from t2ialign.shapes.oracle import Oracle
from t2ialign.tradeoff.interval import mean_interval
from t2ialign.types import GenerationConfig, InputError, Interval, Prompt, SeedBatch
from t2ialign.use_cases.batches.requests import BatchRequest, grid
from t2ialign.use_cases.batches.score_batch import config_of
from t2ialign.use_cases.batches.scoring import Scorer
from t2ialign.use_cases.batches.sweep import sweep
from t2ialign.use_cases.reports.text import stored_points
from t2ialign.use_cases.workbench import Workbench

GUIDANCE_SCALES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
SEEDS = 16  # of each prompt's own
STEPS = 25
AT = 4.0
X, Y = "oracle_alignment", "factor_diversity"


@dataclass(frozen=True)
class ScalePoint:
    """Alignment and diversity of the base at one guidance scale, over test prompts."""

    guidance_scale: float
    alignment: Interval
    diversity: Interval


@dataclass(frozen=True)
class WorldReport:
    """All numbers; ``stock_difference`` is the largest grey-level difference to stock diffusers (0: equal)."""

    oracle: dict[str, float]
    clip_swap_accuracy: float
    alignment_by_category: dict[str, Interval]
    chance_by_category: dict[str, float]
    alignment_held_out: Interval
    alignment_familiar: Interval
    sweep: tuple[ScalePoint, ...]
    spearman_alignment: float
    spearman_diversity: float
    stock_difference: int


def measure(bench: Workbench, show: Callable[[float, float | None], None]) -> WorldReport:
    """Sweeps the base over the shipped test prompts (stored cells are not made again) and measures all the rest."""
    opened = bench.store
    cells = grid("shapes-test", ("base",), [str(scale) for scale in GUIDANCE_SCALES], SEEDS, STEPS)
    for state in sweep(bench, cells):
        show(state.fraction, state.remaining)
    points = sorted(
        (point for point in stored_points(opened, X, Y, checkpoints=("base",)) if _is_sweep(point.config)),
        key=lambda point: point.config.guidance_scale,
    )
    scales = [point.config.guidance_scale for point in points]
    oracle, clip = bench.encoder("oracle-shapes"), bench.encoder("clip-shapes")
    if not isinstance(oracle, Oracle) or not isinstance(clip, ClipEncoder):
        raise InputError("oracle-shapes and clip-shapes are not the shipped scorers: mend the registry.")
    settings = clip.model.preprocess_cfg
    held_out, familiar = _by_familiarity(bench)
    return WorldReport(
        oracle=evaluate.oracle_accuracy(oracle.reader),
        clip_swap_accuracy=evaluate.swap_accuracy(clip.model.network, settings["mean"][0], settings["std"][0]),
        alignment_by_category={name: mean_interval(values) for name, values in _by_category(bench).items()},
        chance_by_category=_chance(bench),
        alignment_held_out=held_out,
        alignment_familiar=familiar,
        sweep=tuple(ScalePoint(point.config.guidance_scale, point.x, point.y) for point in points),
        spearman_alignment=float(stats.spearmanr(scales, [point.x.mean for point in points]).statistic),
        spearman_diversity=float(stats.spearmanr(scales, [point.y.mean for point in points]).statistic),
        stock_difference=_stock_difference(bench),
    )


def _is_sweep(config: GenerationConfig) -> bool:
    return config.num_inference_steps == STEPS and config.guidance == "cfg" and config.backbone == "shapes"


def _cells_at(bench: Workbench) -> list[store.Cell]:
    """The base's cells on the test prompts at the guidance scale that categories are compared at."""
    prompts = {request.prompt.text for request in grid("shapes-test", ("base",), [str(AT)], SEEDS, STEPS)}
    cells = store.list_cells(bench.store, store.Filters(checkpoints=("base",), prompts=tuple(prompts)))
    return [cell for cell in cells if cell.config.guidance_scale == AT and _is_sweep(cell.config)]


def _alignment(bench: Workbench, cell: store.Cell) -> float:
    scores = {
        score.metric: score for score in store.scores_of(bench.store, cell.key, designed_seeds(cell.prompt, SEEDS))
    }
    return scores[X].mean


def _by_category(bench: Workbench) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for cell in _cells_at(bench):
        found[cell.prompt.category].append(_alignment(bench, cell))
    return dict(found)


def _by_familiarity(bench: Workbench) -> tuple[Interval, Interval]:
    """Alignment on prompts with a combination that training never showed, and on the others."""
    groups: dict[bool, list[float]] = {True: [], False: []}
    for cell in _cells_at(bench):
        groups[any(is_held_out(thing) for thing in parse(cell.prompt.text).objects)].append(_alignment(bench, cell))
    return mean_interval(groups[True]), mean_interval(groups[False])


def _chance(bench: Workbench) -> dict[str, float]:
    """What pictures of a category's other prompts score on each prompt: alignment that no prompt caused."""
    by_category: dict[str, list[store.Cell]] = defaultdict(list)
    for cell in _cells_at(bench):
        by_category[cell.prompt.category].append(cell)
    return {
        name: _mean([_foreign(bench, a, b) for a in cells for b in cells if a != b])
        for name, cells in by_category.items()
    }


def _foreign(bench: Workbench, pictures: store.Cell, prompt: store.Cell) -> float:
    batch = store.load_batch(bench.store, pictures.config, pictures.prompt, designed_seeds(pictures.prompt, SEEDS))
    scorer = Scorer(Prompt(prompt.prompt.text), [METRICS[X]], [bench.encoder("oracle-shapes")])
    return scorer.add(batch)[X].mean


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _stock_difference(bench: Workbench) -> int:
    """Largest grey-level difference between our pictures and stock diffusers' on the same seeds."""
    seeds, prompt = (0, 1, 2, 3), Prompt("a red circle and a blue square")
    entry, config = config_of(bench, BatchRequest(prompt, "base", seeds))
    backbone = load_backbone(entry, "cpu", "float32")
    (ours,) = [event for event in generate(backbone, prompt, config, seeds) if isinstance(event, SeedBatch)]
    stock = stock_pictures(Path(entry.source), prompt.text, seeds, config.guidance_scale, config.num_inference_steps)
    return int((ours.images.int() - stock.int()).abs().max())


def lines(report: WorldReport) -> Iterator[str]:
    """The report in words."""
    yield "oracle on held-out renders: " + ", ".join(f"{name} {value:.4f}" for name, value in report.oracle.items())
    yield f"small CLIP picks the true caption over a one-word swap: {report.clip_swap_accuracy:.3f}"
    for name, found in report.alignment_by_category.items():
        yield f"alignment at CFG {AT:g}, {name:<8} {_words(found)} (chance {report.chance_by_category[name]:.3f})"
    yield f"held-out combinations {_words(report.alignment_held_out)}, familiar ones {_words(report.alignment_familiar)}"
    for point in report.sweep:
        yield f"CFG {point.guidance_scale:<4g} alignment {_words(point.alignment)}  diversity {_words(point.diversity)}"
    yield f"Spearman with CFG: alignment {report.spearman_alignment:+.2f}, diversity {report.spearman_diversity:+.2f}"
    yield f"largest difference to stock diffusers: {report.stock_difference} grey levels"


def _words(found: Interval) -> str:
    return f"{found.mean:.3f} [{found.lo:.3f}, {found.hi:.3f}]"
