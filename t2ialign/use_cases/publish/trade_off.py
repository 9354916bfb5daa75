"""What a card says of a checkpoint: its change on both axes against its parent, paired, on one benchmark set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from t2ialign.metrics import METRICS
from t2ialign.names import PLAIN, strategy_of, unknown
from t2ialign.samplers import UsualRun
from t2ialign.store import BenchmarkRow, Filters, list_benchmarks, paired_scores
from t2ialign.tradeoff.arrows import Arrow, arrows
from t2ialign.tradeoff.comparison import PairedScore
from t2ialign.tradeoff.points import tradeoff_points
from t2ialign.types import Axis, InputError, Metric, TradeoffPoint
from t2ialign.use_cases.align.lineage import lineages
from t2ialign.use_cases.batches.usual import usual_of
from t2ialign.use_cases.measures import first_metric
from t2ialign.use_cases.reports.text import newest, newest_scores
from t2ialign.use_cases.workbench import Workbench


@dataclass(frozen=True)
class TradeOff:
    """One arrow for each CFG that checkpoint and parent share, and the parent's own points along guidance.

    All of one guidance strategy: plain guidance, where there are such runs. ``of`` is how many prompts the set has,
    ``usual_scale`` the CFG that the checkpoint is drawn with where nobody says otherwise.
    """

    checkpoint: str
    parent: str
    benchmark: str
    of: int
    x: Metric
    y: Metric
    arrows: tuple[Arrow, ...]
    curve: tuple[TradeoffPoint, ...] = ()
    usual_scale: float = UsualRun.guidance_scale

    @property
    def usual(self) -> Arrow:
        """The one on most prompts; of equals that nearest to the usual CFG."""
        most = max(arrow.x.prompts for arrow in self.arrows)
        whole = [arrow for arrow in self.arrows if arrow.x.prompts == most]
        return min(whole, key=lambda arrow: abs(arrow.policy.guidance_scale - self.usual_scale))


def trade_off(bench: Workbench, name: str, benchmark: str = "", x: str = "", y: str = "") -> TradeOff:
    """A checkpoint beside its parent, from what is stored; nothing named means the set and metrics with most to show.

    ``benchmark`` is the title or key of a benchmark set.

    Raises:
        InputError: an unknown checkpoint, set or metric, one that stands alone, or no scored runs that both have.
    """
    known = bench.registry().checkpoints
    if name not in known:
        raise unknown("checkpoint", name, known)
    line = lineages(known.values())[name]
    if not line.parent:
        raise InputError(f"{name} is a backbone by itself, so there is nothing that it changed: name what was trained.")
    rows, chosen = _rows(bench, name, line.parent, known[name].backbone, benchmark)
    scored = {row.metric for row in rows}
    axes = _metric("alignment", x, scored), _metric("diversity", y, scored)
    wanted = {axes[0].name, axes[1].name, line.judge}
    found = arrows([row for row in rows if row.metric in wanted], *axes, {name: line.judge}, METRICS)
    if not found:
        raise InputError(
            f"No run of {name} has both {axes[0].name} and {axes[1].name}: score it with both, or name others."
        )
    strategies = Counter(strategy_of(arrow.policy) for arrow in found)
    strategy = PLAIN if PLAIN in strategies else strategies.most_common(1)[0][0]
    alike = [arrow for arrow in found if strategy_of(arrow.policy) == strategy]
    ordered = tuple(sorted(alike, key=lambda arrow: arrow.policy.guidance_scale))
    curve = _curve(bench, ordered[0], line.parent, chosen.key, axes)
    scale = usual_of(name, bench.home).guidance_scale
    return TradeOff(name, line.parent, chosen.title, chosen.prompts, *axes, ordered, curve, scale)


def _curve(
    bench: Workbench, arrow: Arrow, parent: str, benchmark: str, axes: tuple[Metric, Metric]
) -> tuple[TradeoffPoint, ...]:
    """The parent's points on the set that differ from those of the arrows in CFG alone, by CFG."""
    x, y = axes
    filters = Filters(checkpoints=(parent,), benchmarks=(benchmark,), backbones=(arrow.parent.backbone,))
    points = tradeoff_points(newest_scores(bench.store, x.name, y.name, filters), x, y)
    alike = [one for one in points if replace(one.config, guidance_scale=arrow.parent.guidance_scale) == arrow.parent]
    return tuple(sorted(alike, key=lambda point: point.config.guidance_scale))


def _rows(
    bench: Workbench, name: str, parent: str, backbone: str, benchmark: str
) -> tuple[list[PairedScore], BenchmarkRow]:
    """Today's scores of both on the set that was named, or on the first that has any."""
    sets = list_benchmarks(bench.store, Filters(checkpoints=(name,)))
    if benchmark and not any(benchmark in (one.key, one.title) for one in sets):
        raise unknown("benchmark set", benchmark, [one.title for one in sets])
    for one in sets:
        if one.configs and benchmark in ("", one.key, one.title):
            filters = Filters(benchmarks=(one.key,), backbones=(backbone,))
            rows = newest(paired_scores(bench.store, [name], parent, list(METRICS), filters))
            alike = [row for row in rows if row.policy.revision == row.base.revision]
            if alike:
                return alike, one
    raise InputError(
        f"{name} and {parent} share no scored runs on a benchmark set, so a card could not say what {name} changed: "
        f"`python -m t2ialign sweep --checkpoint {parent},{name}` first."
    )


def _metric(axis: Axis, name: str, scored: Collection[str]) -> Metric:
    if name and name not in METRICS:
        raise unknown("metric", name, METRICS)
    if name and METRICS[name].axis != axis:
        raise InputError(f"{name} measures {METRICS[name].axis}, not {axis}.")
    found = METRICS.get(name) or first_metric(axis, scored)
    if found is None:
        raise InputError(f"No metric of {axis} was scored for both: `python -m t2ialign rescore` adds the short list.")
    return found
