"""What a chart beside the trade-off chart asks of a store, and what it is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from t2ialign import store
from t2ialign.metrics import DEFAULT, METRICS
from t2ialign.store import Filters, Store
from t2ialign.store.cell_values import cell_values, scored_configs
from t2ialign.tradeoff.cell_values import CellValues
from t2ialign.tradeoff.doses import Ends
from t2ialign.tradeoff.research import Drawn
from t2ialign.tradeoff.training_dials import Runs
from t2ialign.types import GenerationConfig, Metric
from t2ialign.use_cases.align.lineage import BASE
from t2ialign.use_cases.reports.research_material import MOST_METRICS, reference_of


@dataclass(frozen=True)
class ChartRow:
    """One number of a chart with its interval, as a spreadsheet has it."""

    chart: str
    what: str
    of: str
    at: str
    mean: float
    lo: float = math.nan
    hi: float = math.nan


@dataclass(frozen=True)
class MoreChart:
    """``drawn`` is None where the data do not make the chart; the sentence then says what it needs.

    ``menu``: where there are several of its kind, all of them as (title, key), and ``part`` is the key of this one.
    """

    title: str
    sentence: str
    drawn: Drawn | None = None
    rows: tuple[ChartRow, ...] = ()
    menu: tuple[tuple[str, str], ...] = ()
    part: str = ""


@dataclass(frozen=True)
class ChartQuery:
    """Two metrics, the cells of one benchmark set, and which version of a metric counts where several are equally frequent.

    ``ends``: the steps that checkpoints' runs took; ``runs``: what they say of how strongly they trained.
    """

    opened: Store
    x: Metric
    y: Metric
    filters: Filters
    today: Callable[[Metric], str]
    ends: Ends = field(default_factory=dict)
    runs: Runs = field(default_factory=dict)

    def cells(self, metrics: Sequence[Metric], *configs: GenerationConfig) -> CellValues:
        """The metrics' values of all configs, or of these alone."""
        keys = tuple(config.key for config in configs)
        return cell_values(self.opened, metrics, self.filters, self.today, keys)

    def reference(self, metrics: Sequence[Metric]) -> GenerationConfig | None:
        """The base's usual setting among those that have some of the metrics."""
        return reference_of(scored_configs(self.opened, metrics, self.filters, BASE))


def known_metrics(asked: ChartQuery) -> list[Metric]:
    """The metrics of the short list that are scored on the set."""
    known = store.scored_metrics(asked.opened, asked.filters)
    return [METRICS[name] for name in DEFAULT if name in known]


def scored_on(asked: ChartQuery) -> list[Metric]:
    """The chart's own metrics, then those that are scored, as many of either axis as fit a matrix."""
    half = MOST_METRICS // 2
    sides = [
        [metric for metric in known_metrics(asked) if metric.axis == axis][:half] for axis in ("alignment", "diversity")
    ]
    return list(dict.fromkeys((asked.x, asked.y, *sides[0], *sides[1])))


def picture_values(
    asked: ChartQuery, singles: Sequence[Metric], config: GenerationConfig
) -> dict[str, dict[str, np.ndarray]]:
    """Of each prompt, every metric's values of the pictures that all of its metrics know, in the order of their seeds."""
    filters = replace(asked.filters, configs=(config.key,))
    by_prompt: dict[str, dict[str, dict[int, float]]] = {}
    for metric in singles:
        for row in store.cell_scores(asked.opened, metric.name, metric.name, filters):
            # a picture's value is its batch's mean and its effect on it: rounding must not break ties
            values = {seed: round(row.value.mean + effect, 9) for seed, effect in row.effects.items()}
            by_prompt.setdefault(row.prompt, {})[metric.name] = values
    found = {}
    for prompt, scored in by_prompt.items():
        seeds = sorted(set.intersection(*(set(values) for values in scored.values())))
        found[prompt] = {name: np.array([values[seed] for seed in seeds]) for name, values in scored.items()}
    return found
