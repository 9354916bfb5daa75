"""The audit's questions on generated pictures: the shipped runs, in which guidance trades diversity for alignment."""

from __future__ import annotations

import math
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from t2ialign import store
from t2ialign.metrics.subsets import MeasuredPictures, measure
from t2ialign.tradeoff.audit import Power, corrected
from t2ialign.tradeoff.correlation import coefficient
from t2ialign.tradeoff.interval import estimate, mean_interval
from t2ialign.types import Axis, Encoder, Interval, Metric, SeedBatch
from t2ialign.use_cases.audit.picture_questions import possible
from t2ialign.use_cases.batches.scoring import features_of

COMPARED = ((1.0, 8.0), (2.0, 4.0))  # guidance scales: far apart, and near each other
TRUTH: dict[Axis, str] = {"alignment": "oracle_alignment", "diversity": "factor_diversity"}
SEED_COUNTS = (2, 3, 4, 6, 8, 12, 16, 24, 32)
ENOUGH = 0.8  # share of draws of seeds in which a difference must show
UNKNOWN = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class MeasuredCell:
    """One prompt at one guidance scale: its pictures, measured."""

    prompt: str
    guidance_scale: float
    seeds: tuple[int, ...]
    measured: Mapping[str, MeasuredPictures]


ScalePair = tuple[MeasuredCell, MeasuredCell]  # a prompt at the lower and at the higher guidance scale


def reference_cells(
    folder: Path, metrics: Sequence[Metric], encoders: Sequence[Encoder], prompts: int | None = None
) -> list[MeasuredCell]:
    """The shipped runs of the base at the compared guidance scales, measured now, in a store of their own.

    ``prompts`` looks at the first so many prompts only.
    """
    scales = {scale for pair in COMPARED for scale in pair}
    with tempfile.TemporaryDirectory(prefix="t2ialign-audit-") as home, store.open_store(Path(home)) as opened:
        store.ingest_reference(opened, folder)
        cells = store.list_cells(opened, store.Filters(checkpoints=("base",)))
        wanted = sorted({cell.prompt.text for cell in cells})[:prompts]
        chosen = [cell for cell in cells if cell.config.guidance_scale in scales and cell.prompt.text in wanted]
        shared: dict[str, set[int]] = {}
        for cell in chosen:  # the seeds that a prompt has at every scale
            shared[cell.prompt.text] = shared.get(cell.prompt.text, set(cell.seeds)) & set(cell.seeds)
        batches = [
            store.load_batch(opened, cell.config, cell.prompt, sorted(shared[cell.prompt.text])) for cell in chosen
        ]
    return [_measured(batch, metrics, encoders) for batch in batches if len(batch.seeds) > 2]


def _measured(batch: SeedBatch, metrics: Sequence[Metric], encoders: Sequence[Encoder]) -> MeasuredCell:
    features = features_of(batch.images, batch.prompt, encoders, sampled_of(batch))
    found = {metric.name: measure(metric, features) for metric in possible(metrics, features)}
    return MeasuredCell(batch.prompt.text, batch.config.guidance_scale, batch.seeds, found)


def sampled_of(batch: SeedBatch) -> dict[str, Tensor]:
    """What sampling measured on the way."""
    return {
        "mutual_information": batch.mutual_information,
        "mutual_information_released": batch.mutual_information_released,
    }


def powers(
    metrics: Sequence[Metric], cells: Sequence[MeasuredCell], draws: int, seed: int
) -> dict[str, tuple[Power, ...]]:
    """(e): from how many seeds a prompt each metric tells two guidance scales apart, in the direction of the truth.

    Only a difference that stands with all seeds counts, after Holm over all metrics and pairs of scales.
    """
    found: dict[str, tuple[Power, ...]] = defaultdict(tuple)
    for scales in COMPARED:
        pairs = _paired(cells, scales)
        if len(pairs) < 3:
            continue
        for metric in metrics:
            both = [
                pair
                for pair in pairs
                if all(metric.name in c.measured and TRUTH[metric.axis] in c.measured for c in pair)
            ]
            if len(both) == len(pairs):
                found[metric.name] += (_power(metric, both, scales, draws, seed),)
    return corrected(found)


def _paired(cells: Sequence[MeasuredCell], scales: tuple[float, float]) -> list[tuple[MeasuredCell, MeasuredCell]]:
    """The prompts that have the same seeds at both scales."""
    by_scale = {scale: {cell.prompt: cell for cell in cells if cell.guidance_scale == scale} for scale in scales}
    low, high = (by_scale[scale] for scale in scales)
    return [(low[p], high[p]) for p in low if p in high and low[p].seeds == high[p].seeds]


def _power(
    metric: Metric,
    pairs: Sequence[ScalePair],
    scales: tuple[float, float],
    draws: int,
    seed: int,
) -> Power:
    most = min(len(low.seeds) for low, _ in pairs)
    everything = [np.arange(most)] * len(pairs)
    p = estimate(_changes(metric.name, pairs, everything)).p
    change = mean_interval(_changes(metric.name, pairs, everything, relative=True))
    truth = mean_interval(_changes(TRUTH[metric.axis], pairs, everything, relative=True))
    sign = math.copysign(1, truth.mean) * (1 if metric.higher_is_better else -1)
    least = next((n for n in SEED_COUNTS if n <= most and _shows(metric.name, pairs, n, sign, draws, seed)), None)
    return Power(scales, len(pairs), least, _oriented(change, metric), truth, p)


def _oriented(change: Interval, metric: Metric) -> Interval:
    """The change of what the metric stands for: less PSNR is more diversity."""
    return change if metric.higher_is_better else Interval(-change.mean, -change.hi, -change.lo)


def _shows(name: str, pairs: Sequence[ScalePair], n: int, sign: float, draws: int, seed: int) -> bool:
    """Whether, in enough draws of ``n`` seeds, the paired interval over prompts lies on the right side of zero."""
    chance = np.random.default_rng(seed + n)
    most = min(len(low.seeds) for low, _ in pairs)
    right = 0
    for _ in range(1 if n == most else draws):
        rows = [chance.permutation(most)[:n] for _ in pairs]
        found = mean_interval([sign * change for change in _changes(name, pairs, rows)])
        right += found.lo > 0
    return right >= ENOUGH * (1 if n == most else draws)


def _changes(name: str, pairs: Sequence[ScalePair], rows: Sequence[np.ndarray], relative: bool = False) -> list[float]:
    """Each prompt's change from the lower to the higher scale, on the same seeds of both; unknown ones are left out."""
    changes = []
    for (low, high), index in zip(pairs, rows, strict=True):
        before, after = (cell.measured[name].of(torch.from_numpy(index)) for cell in (low, high))
        changes.append((after - before) / (abs(before) or math.nan) if relative else after - before)
    return [change for change in changes if math.isfinite(change)]


def agreement(metrics: Sequence[Metric], cells: Sequence[MeasuredCell]) -> dict[str, Interval]:
    """(f): Kendall's tau with the oracle over the seeds of a prompt at one guidance scale, with intervals over prompts.

    Scales are never pooled: a metric that falls as guidance rises would seem to rank seeds against the truth.
    """
    by_prompt: dict[str, list[MeasuredCell]] = defaultdict(list)
    for cell in cells:
        by_prompt[cell.prompt].append(cell)
    found = {}
    for metric in metrics:
        taus = [[tau for cell in group if math.isfinite(tau := _tau(metric, cell))] for group in by_prompt.values()]
        known = [sum(group) / len(group) for group in taus if group]
        found[metric.name] = mean_interval(known) if len(known) > 2 else UNKNOWN
    return found


def _tau(metric: Metric, cell: MeasuredCell) -> float:
    if not {metric.name, TRUTH["alignment"]} <= set(cell.measured):
        return math.nan
    values, truth = (
        cell.measured[name].values.flatten().double().numpy() for name in (metric.name, TRUTH["alignment"])
    )
    known = np.isfinite(values) & np.isfinite(truth)
    if known.sum() < 3:
        return math.nan
    return coefficient(values[known], truth[known], "kendall")
