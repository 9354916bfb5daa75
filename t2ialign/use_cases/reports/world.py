"""Every promise of the embedded world, measured: its oracle, its small CLIP, its base, and the trade-off along guidance."""

from __future__ import annotations

import math
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
from t2ialign.names import PLAIN
from t2ialign.seeds import designed_seeds
from t2ialign.shapes import evaluate
from t2ialign.shapes.grammar import is_held_out, parse
from t2ialign.shapes.oracle import GROUPS as FREE
from t2ialign.shapes.oracle import Oracle
from t2ialign.tradeoff.interval import mean_interval
from t2ialign.types import GenerationConfig, InputError, Interval, Prompt, SeedBatch
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import config_of
from t2ialign.use_cases.batches.scoring import Scorer
from t2ialign.use_cases.reports.text import newest, with_ends
from t2ialign.use_cases.sweeps.plan import plan_sweep
from t2ialign.use_cases.sweeps.run import run_sweep
from t2ialign.use_cases.sweeps.spec import SweepSpec, prompts_of
from t2ialign.use_cases.workbench import Workbench

GUIDANCE_SCALES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
SEEDS = 16  # of each prompt's own
STEPS = 25
AT = 4.0
X, Y, EXACT = "oracle_alignment", "factor_diversity", "oracle_exact"
GROUPS = tuple(f"factor_{group}" for group in FREE)
FAITHFUL = "factor_diversity_faithful"


@dataclass(frozen=True)
class ScalePoint:
    """The base at one guidance scale, over test prompts.

    ``diversity`` holds factor diversity, that of its groups and that of the faithful pictures, by metric; of the latter
    ``faithful`` counts the prompts that have enough and the pictures. ``mistakes`` is Spearman's rank correlation over
    prompts of 1 - alignment with factor diversity: how much the second axis repeats the first.
    """

    guidance_scale: float
    alignment: Interval
    diversity: dict[str, Interval]
    faithful: tuple[int, int]
    mistakes: float


@dataclass(frozen=True)
class WorldReport:
    """All numbers; ``stock_difference`` is the largest grey-level difference to stock diffusers (0: equal).

    ``falls``: by metric, the change from the lowest to the highest scale on the prompts that have both; ``steps``: those of
    alignment and of diversity from the lowest to each other scale.
    """

    oracle: dict[str, float]
    clip_swap_accuracy: float
    alignment_by_category: dict[str, Interval]
    chance_by_category: dict[str, float]
    alignment_held_out: Interval
    alignment_familiar: Interval
    sweep: tuple[ScalePoint, ...]
    falls: dict[str, Interval]
    steps: dict[float, tuple[Interval, Interval]]
    spearman_alignment: float
    spearman_diversity: float
    stock_difference: int


def measure(bench: Workbench, show: Callable[[float, float | None], None]) -> WorldReport:
    """Sweeps the base over the shipped test prompts (stored cells are not made again) and measures all the rest."""
    opened = bench.store
    asked = SweepSpec(guidance_scales=GUIDANCE_SCALES, seeds=SEEDS, num_inference_steps=STEPS)
    for state in run_sweep(bench, plan_sweep(bench, asked)):
        show(state.fraction, state.remaining)
    values = along_guidance(opened)
    points = [_scale_point(scale, values) for scale in sorted(values[Y])]
    scales = [point.guidance_scale for point in points]
    oracle, clip = bench.encoder("oracle-shapes"), bench.encoder("clip-shapes")
    if not isinstance(oracle, Oracle) or not isinstance(clip, ClipEncoder):
        raise InputError("oracle-shapes and clip-shapes are not the shipped scorers: mend the registry.")
    settings = clip.model.preprocess_cfg
    held_out, familiar = _by_familiarity(bench)
    return WorldReport(
        oracle=evaluate.oracle_accuracy(oracle.reader),
        clip_swap_accuracy=evaluate.swap_accuracy(clip.model.network, settings["mean"][0], settings["std"][0]),
        alignment_by_category={
            name: mean_interval(found).within((0.0, 1.0)) for name, found in _by_category(bench).items()
        },
        chance_by_category=_chance(bench),
        alignment_held_out=held_out,
        alignment_familiar=familiar,
        sweep=tuple(points),
        falls={X: _change(values[Y], 0, max(scales))}
        | {y: _change(values[y], 1, max(scales)) for y in (Y, *GROUPS, FAITHFUL)},
        steps={scale: (_change(values[Y], 0, scale), _change(values[Y], 1, scale)) for scale in scales[1:]},
        spearman_alignment=float(stats.spearmanr(scales, [point.alignment.mean for point in points]).statistic),
        spearman_diversity=float(stats.spearmanr(scales, [point.diversity[Y].mean for point in points]).statistic),
        stock_difference=_stock_difference(bench),
    )


Values = dict[float, dict[str, tuple[float, float]]]
"""By guidance scale and prompt: alignment and the other metric."""


def along_guidance(opened: store.Store) -> dict[str, Values]:
    """By metric the base's test prompts that have it and alignment, on the seeds of the sweep and on no others."""
    found: dict[str, Values] = {y: defaultdict(dict) for y in (Y, *GROUPS, FAITHFUL, EXACT)}
    for cell in store.list_cells(opened, store.Filters(checkpoints=("base",), prompts=_test_prompts())):
        if _is_sweep(cell.config):
            scores = newest(store.scores_of(opened, cell.key, designed_seeds(cell.prompt, SEEDS)))
            known = {score.metric: score.mean for score in scores if not math.isnan(score.mean)}
            for y in found:
                if {X, y} <= set(known):
                    found[y][cell.config.guidance_scale][cell.prompt.text] = (known[X], known[y])
    return found


def _scale_point(scale: float, values: dict[str, Values]) -> ScalePoint:
    at = {y: list(found.get(scale, {}).values()) for y, found in values.items()}
    alignment, diversity = zip(*at[Y], strict=True)
    return ScalePoint(
        guidance_scale=scale,
        alignment=mean_interval(alignment),
        diversity={y: mean_interval([value for _, value in at[y]]) for y in (Y, *GROUPS, FAITHFUL)},
        faithful=(len(at[FAITHFUL]), round(SEEDS * sum(share for _, share in at[EXACT]))),
        mistakes=float(stats.spearmanr([1 - value for value in alignment], diversity).statistic),
    )


def _change(values: Values, place: int, scale: float) -> Interval:
    """The change of alignment (place 0) or of the other metric (1) from the lowest scale to this one."""
    low, high = values[min(values)], values.get(scale, {})
    return mean_interval([high[prompt][place] - low[prompt][place] for prompt in low if prompt in high])


def _test_prompts() -> tuple[str, ...]:
    return tuple({prompt.text for prompt in prompts_of(SweepSpec().prompts)})


def _is_sweep(config: GenerationConfig) -> bool:
    return config.num_inference_steps == STEPS and config.guidance == PLAIN and config.backbone == "shapes"


def _cells_at(bench: Workbench) -> list[store.Cell]:
    """The base's cells on the test prompts at the guidance scale that categories are compared at."""
    cells = store.list_cells(bench.store, store.Filters(checkpoints=("base",), prompts=_test_prompts()))
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
        yield f"alignment at CFG {AT:g}, {name:<8} {with_ends(found)} (chance {report.chance_by_category[name]:.3f})"
    yield f"held-out combinations {with_ends(report.alignment_held_out)}, familiar ones {with_ends(report.alignment_familiar)}"
    for point in report.sweep:
        yield f"CFG {point.guidance_scale:<4g} alignment {with_ends(point.alignment)}  " + "  ".join(
            f"{y.removeprefix('factor_')} {with_ends(found)}" for y, found in point.diversity.items()
        )
        prompts, pictures = point.faithful
        yield (
            f"         faithful: {pictures} pictures, {prompts} prompts with two or more; Spearman over prompts of "
            f"1 - alignment with diversity {point.mistakes:+.2f}"
        )
    for y, found in report.falls.items():
        yield f"{y.removeprefix('factor_')} from the lowest to the highest CFG, by prompt: {with_ends(found)}"
    for scale, (alignment, diversity) in report.steps.items():
        said = f"alignment {with_ends(alignment, '+')}, diversity {with_ends(diversity, '+')}"
        yield f"from the lowest CFG to {scale:g}, by prompt: {said}"
    yield f"Spearman with CFG: alignment {report.spearman_alignment:+.2f}, diversity {report.spearman_diversity:+.2f}"
    yield f"largest difference to stock diffusers: {report.stock_difference} grey levels"
