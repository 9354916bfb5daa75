"""The trade-off plane on the command line: points as changes from one of them, and checkpoints where another is as aligned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.names import PLAIN
from t2ialign.store.cell_values import cell_values
from t2ialign.tradeoff.differences import differences
from t2ialign.tradeoff.matching import as_aligned, in_a_sentence
from t2ialign.types import InputError, TradeoffPoint
from t2ialign.use_cases.batches.rescore import current_version
from t2ialign.use_cases.reports.text import benchmark_keys
from t2ialign.use_cases.workbench import Workbench


def changes(
    bench: Workbench,
    points: Sequence[TradeoffPoint],
    against: str,
    scale: float,
    categories: Sequence[str] = (),
    benchmark: str = "",
) -> list[TradeoffPoint]:
    """Every point less one checkpoint's under plain guidance at a CFG, paired by prompt and seed; what shares none is left out.

    Raises:
        InputError: no point of that checkpoint and CFG, or several of them.
    """
    plain = [one for one in points if one.config.checkpoint == against and one.config.guidance == PLAIN]
    found = [one for one in plain if one.config.guidance_scale == scale]
    if not found:
        scales = [f"{one.config.guidance_scale:g}" for one in plain]
        there = f"it has CFG {', '.join(dict.fromkeys(scales))}" if scales else "it has none on this set"
        raise InputError(f"There is no point of {against[:40]} at CFG {scale:g}: {there}.")
    if len(found) > 1:
        raise InputError(f"{against} has {len(found)} points at CFG {scale:g}: narrow them with --benchmark.")
    (reference,) = found
    x, y = METRICS[reference.x_metric], METRICS[reference.y_metric]
    pairs = [store.Pair(one.config, reference.config) for one in points]
    versions = {x.name: reference.x_version, y.name: reference.y_version}
    filters = store.Filters(categories=tuple(categories), benchmarks=benchmark_keys(bench.store, benchmark))
    axes = list(dict.fromkeys((x.name, y.name)))
    made = store.scored_comparisons(bench.store, pairs, METRICS, axes, versions, filters, with_wins=False)
    return list(differences(points, reference.config, made, x, y).points)


def as_aligned_lines(
    bench: Workbench, points: Sequence[TradeoffPoint], other: str, categories: Sequence[str] = (), benchmark: str = ""
) -> Iterator[str]:
    """A sentence a point: how much more varied it is than ``other`` where that is as well aligned.

    Raises:
        InputError: no benchmark set, on which alone checkpoints are compared.
    """
    if not benchmark:
        raise InputError("Checkpoints are compared on one benchmark set: name it with --benchmark.")
    filters = store.Filters(categories=tuple(categories), benchmarks=benchmark_keys(bench.store, benchmark))
    if not points:
        return
    x, y = METRICS[points[0].x_metric], METRICS[points[0].y_metric]
    cells = cell_values(bench.store, list(dict.fromkeys((x, y))), filters, partial(current_version, bench))
    made = [as_aligned(cells, one.config, other, x, y) for one in points]
    known = [one for one in made if one is not None]
    if not known:
        yield f"Nothing here stands beside a guidance sweep of {other} under the same settings."
    yield from (in_a_sentence(one, x, y) for one in known)
