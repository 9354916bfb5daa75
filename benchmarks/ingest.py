"""How fast the store's owner takes shards in: rows a second of process time, and of the wall's.

    python -m benchmarks.ingest                 # 8 shards of 100 cells, with 16 pictures, four picture and two pair scores each
    python -m benchmarks.ingest --profile       # and where the time goes

A row is one of the tables that it becomes: cells, pictures, thumbnails, picture scores and batch scores; 82,400 of them. Shards
are written first and do not count. The tables themselves take more (``benchmarks/store.py``, "ingest of scores"): what is
measured here also reads Parquet, checks every record that another process wrote, and makes keys and effects.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from pathlib import Path

import numpy as np

from t2ialign.store import ingest_inbox, open_store, post
from t2ialign.store.images import digest
from t2ialign.store.records import CellRecord, PictureRecord, ScoreRecord
from t2ialign.types import GenerationConfig, Prompt

SHARDS, CELLS, SEEDS = 8, 100, tuple(range(16))
SINGLE, PAIRS = ("oracle_alignment", "clip_score", "taste", "style_sunny"), ("lpips", "rmse")
TABLES = ("cells", "images", "thumbnails", "image_scores", "batch_scores")


def record(draw: np.random.Generator, config: GenerationConfig, prompt: Prompt) -> CellRecord:
    """A cell with made-up pictures, whose thumbnails are all of them."""
    data = [draw.bytes(2000) for _ in SEEDS]
    pictures = tuple(PictureRecord(seed, digest(one), one, 1.0, 2.0, 0.1) for seed, one in zip(SEEDS, data))
    singles = [_score(draw, name, "alignment", "image", len(SEEDS)) for name in SINGLE]
    pairs = [_score(draw, name, "diversity", "pair", len(SEEDS) * (len(SEEDS) + 1) // 2) for name in PAIRS]
    return CellRecord(prompt, config, pictures, (*singles, *pairs))


def _score(draw: np.random.Generator, name: str, axis: str, level: str, count: int) -> ScoreRecord:
    values = tuple(draw.random(count).tolist())
    return ScoreRecord(SEEDS, name, "1", axis, level, values, 0.5, 0.4, 0.6)  # type: ignore[arg-type]


def fill(home: Path) -> None:
    """The inbox of a store."""
    draw = np.random.default_rng(0)
    prompts = [Prompt(f"prompt {index}") for index in range(CELLS)]
    for shard in range(SHARDS):
        config = GenerationConfig("shapes", "r", guidance_scale=1.0 + shard)
        post(home, [record(draw, config, prompt) for prompt in prompts], "bench")


def main(profiled: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fill(home)
        with open_store(home) as store:
            profile = cProfile.Profile()
            begun, wall = time.process_time(), time.perf_counter()
            taken = profile.runcall(ingest_inbox, store) if profiled else ingest_inbox(store)
            took, passed = time.process_time() - begun, time.perf_counter() - wall
            rows = sum(store.rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES)
    print(
        f"{taken} shards, {rows:,} rows: {took:.2f} s of CPU, {passed:.2f} s of wall: {rows / took:,.0f} rows a CPU second"
    )
    if profiled:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(35)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", action="store_true", help="also print where the time goes")
    main(parser.parse_args().profile)
