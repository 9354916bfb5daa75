"""The trade-off chart of many points: bytes that a page gets, and CPU of drawing it. Made-up points, no store.

python -m benchmarks.figure        # 30 checkpoints x 7 CFG, and the 50 x 20 of ten million pictures: seconds
"""

from __future__ import annotations

import random
import time

from benchmarks.synthetic_store import Layout, X, Y
from t2ialign.charts.tradeoff import tradeoff_figure
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.arrows import Arrow
from t2ialign.tradeoff.comparison import Comparison
from t2ialign.types import Interval, TradeoffPoint

SIZES = {"30 x 7": Layout(30, 7, 24, 8), "50 x 20": Layout(50, 20, 625)}


def points_of(layout: Layout, draw: random.Random) -> list[TradeoffPoint]:
    """One a config, anywhere."""
    seeds = layout.prompts * layout.seeds
    return [
        TradeoffPoint(
            config, X, Y, _around(0.5 + 0.2 * draw.random(), draw), _around(0.5, draw), layout.prompts, seeds, "1", "1"
        )
        for config in layout.configs
    ]


def arrows_of(points: list[TradeoffPoint], draw: random.Random) -> list[Arrow]:
    """From the base of the same guidance scale."""
    bases = {point.config.guidance_scale: point for point in points if not point.config.adapters}
    return [_arrow(point, bases[point.config.guidance_scale], draw) for point in points if point.config.adapters]


def _arrow(point: TradeoffPoint, base: TradeoffPoint, draw: random.Random) -> Arrow:
    def compared(metric: str, ours: Interval, theirs: Interval) -> Comparison:
        gap = _around(ours.mean - theirs.mean, draw)
        return Comparison(point.config, base.config, metric, point.prompts, point.seeds, ours, theirs, gap)

    return Arrow(compared(X, point.x, base.x), compared(Y, point.y, base.y))


def _around(mean: float, draw: random.Random) -> Interval:
    width = 0.02 * draw.random()
    mean += 0.1 * draw.random()
    return Interval(mean, mean - width, mean + width)


if __name__ == "__main__":
    print("| points | arrows | kB of JSON | figure, CPU ms | JSON, CPU ms |\n|---|---|---|---|---|")
    for layout in SIZES.values():
        chance = random.Random(0)
        made = points_of(layout, chance)
        arrows, times = arrows_of(made, chance), []
        for _ in range(3):
            begun = time.process_time()
            chart = tradeoff_figure(made, METRICS[X], METRICS[Y], arrows=arrows, whole=layout.prompts, named=True)
            between = time.process_time()
            size = len(chart.to_json().encode())
            times.append((1000 * (between - begun), 1000 * (time.process_time() - between)))
        drawing, writing = (min(part) for part in zip(*times))
        print(f"| {len(made):,} | {len(arrows):,} | {size / 1000:.0f} | {drawing:.0f} | {writing:.0f} |", flush=True)
