"""Cell values with numbers of our choosing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from t2ialign.metrics import METRICS
from t2ialign.tradeoff.cell_values import CellValues
from t2ialign.types import AdapterUse, GenerationConfig


def config(name: str = "base", scale: float = 4.0, weight: float = 1.0, **more: object) -> GenerationConfig:
    adapters = () if name == "base" else (AdapterUse(name, weight),)
    return GenerationConfig("shapes", adapters=adapters, guidance_scale=scale, **more)


def cells(configs: Sequence[GenerationConfig], values: Mapping[str, Sequence[Sequence[float]]]) -> CellValues:
    """``values``: of each metric, a row a config and a column a prompt."""
    table = np.array(list(values.values()), dtype=float)
    prompts = tuple(f"prompt {index}" for index in range(table.shape[2]))
    return CellValues(tuple(METRICS[name] for name in values), tuple(configs), prompts, table)
