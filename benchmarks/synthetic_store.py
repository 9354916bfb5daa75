"""Made-up stores of any size, for benchmarks and for looking at the page: nothing in them was ever sampled or scored.

    python -m benchmarks.synthetic_store HOME --pictures 1000000        # 250 conditions x 250 prompts x 16 seeds
    python -m benchmarks.synthetic_store HOME --page                    # 30 checkpoints x 7 CFG on a benchmark set
    python -m t2ialign serve --store HOME

Rows go into the store's own tables as Arrow tables, one statement a table. Values follow a trade-off: guidance and training
raise the first axis and lower the second, prompts differ more than checkpoints do, and every seed has an effect of its own.
"""

from __future__ import annotations

import argparse
import colorsys
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from t2ialign.metrics import METRICS
from t2ialign.seeds import designed_seeds
from t2ialign.store import Store, add_benchmark, images, open_store
from t2ialign.store.records import config_json
from t2ialign.tradeoff.benchmark_set import BenchmarkSet
from t2ialign.types import AdapterUse, GenerationConfig, Prompt, cell_key, content_key, image_key

X, Y = "clip_score", "lpips"
VERSION = "1+synthetic"
COLORS = 64
CATEGORIES = ("color", "shape", "relation", "single", "two things")


@dataclass(frozen=True)
class Layout:
    """How many of everything. With ``own_seeds`` each prompt has seeds of its own, else all share 0, 1, 2, ..."""

    checkpoints: int
    scales: int
    prompts: int
    seeds: int = 16
    own_seeds: bool = True

    @property
    def pictures(self) -> int:
        return self.checkpoints * self.scales * self.prompts * self.seeds

    @cached_property
    def configs(self) -> list[GenerationConfig]:
        """The base and its checkpoints, each at every guidance scale."""
        names = ["base", *(f"trained_{index:02d}" for index in range(1, self.checkpoints))]
        adapters = [() if name == "base" else (AdapterUse(name, 1.0, content_key(name)),) for name in names]
        scales = [1.0 + index for index in range(self.scales)]
        return [
            GenerationConfig("shapes", "0" * 16, used, guidance_scale=scale) for used in adapters for scale in scales
        ]

    @cached_property
    def texts(self) -> list[Prompt]:
        return [
            Prompt(f"synthetic prompt {index}", CATEGORIES[index % len(CATEGORIES)]) for index in range(self.prompts)
        ]

    @cached_property
    def seed_lists(self) -> list[tuple[int, ...]]:
        """The seeds of each prompt."""
        if self.own_seeds:
            return [designed_seeds(prompt, self.seeds) for prompt in self.texts]
        return [tuple(range(self.seeds))] * self.prompts

    @property
    def benchmark(self) -> BenchmarkSet:
        return BenchmarkSet("synthetic", tuple(zip(self.texts, self.seed_lists)))


SIZES = {10_000: (5, 5, 25), 100_000: (5, 10, 125), 1_000_000: (25, 10, 250)}  # pictures: checkpoints, CFG, prompts


def of_size(pictures: int, own_seeds: bool = True) -> Layout:
    """The layout of so many pictures, one of ``SIZES``, at 16 seeds a prompt."""
    return Layout(*SIZES[pictures], own_seeds=own_seeds)


def tables(layout: Layout) -> dict[str, pa.Table]:
    """Every row of the store, by table."""
    draw = np.random.default_rng(0)
    cells = [cell_key(config, prompt) for config in layout.configs for prompt in layout.texts]
    sets = [content_key(list(seeds)) for seeds in layout.seed_lists] * len(layout.configs)
    keys = [
        image_key(config, prompt, seed)
        for config in layout.configs
        for prompt, seeds in zip(layout.texts, layout.seed_lists)
        for seed in seeds
    ]
    singles, first = _alignment(layout, draw)
    second = _diversity(layout, draw)
    return {
        **_asked(layout, cells),
        **_pictures(layout, cells, keys),
        "image_scores": pa.table(
            {"image": keys, "metric": _all(X, keys), "version": _all(VERSION, keys), "value": singles}
        ),
        "batch_scores": pa.concat_tables([_batches(cells, sets, X, first), _batches(cells, sets, Y, second)]),
    }


def write(store: Store, rows: Mapping[str, pa.Table]) -> None:
    """Insert whole tables in one transaction."""
    with store.transaction() as cursor:
        for name, table in rows.items():
            cursor.register("incoming", table)
            cursor.execute(f"INSERT INTO {name} BY NAME SELECT * FROM incoming").fetchall()
            cursor.unregister("incoming")


def make(home: Path, layout: Layout) -> Store:
    """An open store in ``home`` that holds all of it, with its benchmark set."""
    store = open_store(home)
    write(store, tables(layout))
    add_benchmark(store, layout.benchmark)
    return store


def _asked(layout: Layout, cells: Sequence[str]) -> dict[str, pa.Table]:
    """Prompts, configs, cells and seed sets."""
    prompts = {p.key: {"prompt": p.key, "text": p.text, "category": p.category, "tags": []} for p in layout.texts}
    configs = [
        {
            "config": config.key,
            "record": config_json(config),
            "backbone": config.backbone,
            "checkpoint": config.checkpoint,
            "guidance": config.guidance,
            "guidance_scale": config.guidance_scale,
        }
        for config in layout.configs
    ]
    of = [(config.key, prompt.key) for config in layout.configs for prompt in layout.texts]
    sets = {content_key(list(seeds)): seeds for seeds in layout.seed_lists}
    schema = pa.schema([("prompt", pa.string()), ("text", pa.string()), ("category", pa.string())])
    schema = schema.append(pa.field("tags", pa.list_(pa.string())))
    return {
        "prompts": pa.Table.from_pylist(list(prompts.values()), schema),
        "configs": pa.Table.from_pylist(configs),
        "cells": pa.table({"cell": cells, "config": [one for one, _ in of], "prompt": [two for _, two in of]}),
        "seed_sets": pa.Table.from_pylist(
            [{"seed_set": key, "seeds": list(seeds), "n": len(seeds)} for key, seeds in sets.items()]
        ),
    }


def _pictures(layout: Layout, cells: Sequence[str], keys: Sequence[str]) -> dict[str, pa.Table]:
    """Pictures of one colour each, so small that their thumbnail is all of them."""
    n, count = layout.seeds, len(keys)
    data = [images.encode(_plain(index / COLORS)) for index in range(COLORS)]
    which = np.arange(count) * 7 % COLORS
    seeds = np.tile(np.array(layout.seed_lists, dtype=np.int64).ravel(), len(layout.configs))
    shas = pa.array([images.digest(one) for one in data])
    return {
        "images": pa.table(
            {
                "image": keys,
                "cell": pa.array(cells).take(pa.array(np.repeat(np.arange(len(cells)), n))),
                "seed": seeds,
                "sha": shas.take(pa.array(which)),
                "mutual_information": np.full(count, np.nan),
                "mutual_information_released": np.full(count, np.nan),
                "seconds": np.full(count, 0.1),
            }
        ),
        "thumbnails": pa.table({"image": keys, "thumbnail": pa.array(data).take(pa.array(which))}),
    }


def _plain(hue: float) -> torch.Tensor:
    color = [round(255 * part) for part in colorsys.hls_to_rgb(hue, 0.55, 0.6)]
    return torch.tensor(color, dtype=torch.uint8)[:, None, None].expand(3, 64, 64).contiguous()


def _means(layout: Layout, draw: np.random.Generator, sign: float) -> np.ndarray:
    """What a cell's seeds scatter around: [configs, prompts], between 0 and 1."""
    trained = np.linspace(0, 1, layout.checkpoints)[:, None, None]
    guided = np.log1p(np.arange(layout.scales))[None, :, None] / np.log(max(layout.scales, 2))
    prompt = draw.normal(0, 0.08, (1, 1, layout.prompts))
    own = draw.normal(0, 0.02, (layout.checkpoints, layout.scales, layout.prompts))
    level = 0.5 + sign * (0.12 * guided + 0.08 * trained * (0.5 + guided)) + prompt + own
    return level.reshape(-1, layout.prompts).clip(0.02, 0.98)


Values = tuple[np.ndarray, np.ndarray, np.ndarray | None]
"""Of each cell: value [cells], effects of its seeds [cells, seeds], and pairs [cells, seeds (seeds + 1) / 2] or None."""


def _alignment(layout: Layout, draw: np.random.Generator) -> tuple[np.ndarray, Values]:
    """A metric of single pictures: all their values, and the cells'."""
    means = _means(layout, draw, 1.0).ravel()
    single = means[:, None] + draw.normal(0, 0.05, (len(means), layout.seeds))
    value = single.mean(1)
    return single.ravel(), (value, single - value[:, None], None)


def _diversity(layout: Layout, draw: np.random.Generator) -> Values:
    """A metric of pairs, with a zero diagonal; effects by the jackknife, as ``metrics.scoring`` has them."""
    means, n = _means(layout, draw, -1.0).ravel(), layout.seeds
    rows, columns = np.triu_indices(n)
    far = draw.normal(0, 0.03, (len(means), n))
    pairs = (means[:, None] + far[:, rows] + far[:, columns]) * (rows != columns)
    sums = np.zeros((len(means), n))
    for index, (row, column) in enumerate(zip(rows, columns)):
        sums[:, row] += pairs[:, index]
        sums[:, column] += pairs[:, index] if row != column else 0
    total = sums.sum(1, keepdims=True)
    left_out = (total - 2 * sums) / ((n - 1) * (n - 2))
    return total[:, 0] / (n * (n - 1)), (n - 1) * (left_out.mean(1, keepdims=True) - left_out), pairs


def _batches(cells: Sequence[str], sets: Sequence[str], metric: str, values: Values) -> pa.Table:
    value, effects, pairs = values
    error = 2.1 * np.sqrt((effects**2).sum(1) / (effects.shape[1] * (effects.shape[1] - 1)))
    record = METRICS[metric]
    return pa.table(
        {
            "cell": cells,
            "seed_set": sets,
            "metric": _all(metric, cells),
            "version": _all(VERSION, cells),
            "axis": _all(record.axis, cells),
            "level": _all(record.level, cells),
            "value": value,
            "lo": value - error,
            "hi": value + error,
            "pairs": pa.nulls(len(cells), pa.list_(pa.float64())) if pairs is None else _lists(pairs),
            "effects": _lists(effects),
        }
    )


def _lists(values: np.ndarray) -> pa.Array:
    ends = np.arange(0, values.size + 1, values.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(values.ravel()))


def _all(word: str, rows: Sequence[object]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(rows), dtype=np.int8)), pa.array([word]))


def with_manifests(home: Path, layout: Layout) -> None:
    """Folders of checkpoints that name the base as their parent, so that the page draws arrows."""
    for config in layout.configs:
        if config.adapters:
            folder = home / "checkpoints" / config.checkpoint
            folder.mkdir(parents=True, exist_ok=True)
            manifest = {"kind": "lora", "backbone": "shapes", "method": "diffusion_dpo", "parents": ["base"]}
            (folder / "manifest.json").write_text(json.dumps(manifest))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--pictures", type=int, choices=SIZES, default=100_000)
    parser.add_argument("--page", action="store_true", help="30 checkpoints x 7 CFG x 24 prompts x 8 seeds")
    parser.add_argument("--shared-seeds", action="store_true", help="all prompts on the same seeds")
    chosen = parser.parse_args()
    shape = Layout(30, 7, 24, 8) if chosen.page else of_size(chosen.pictures, not chosen.shared_seeds)
    begun = time.perf_counter()
    if chosen.page:
        with_manifests(chosen.home, shape)
    with make(chosen.home, shape):
        print(
            f"{shape.pictures} pictures in {chosen.home}: {time.perf_counter() - begun:.1f} s, {datetime.now(UTC):%F}"
        )
