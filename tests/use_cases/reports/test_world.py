"""What the world's report reads from a store."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.seeds import designed_seeds
from t2ialign.types import GenerationConfig, Score, SeedBatch
from t2ialign.use_cases.reports.world import SEEDS, along_guidance
from t2ialign.use_cases.sweeps.spec import SweepSpec, prompts_of


@pytest.mark.slow
def test_the_trade_off_is_read_off_the_seeds_of_the_sweep_whatever_else_is_stored(tmp_path: Path) -> None:
    prompt = prompts_of(SweepSpec().prompts)[0]
    with store.open_store(tmp_path) as opened:
        for scale, seeds, alignment, spread, steps in (
            (1.0, SEEDS, 0.5, 1.25, 25),
            (4.0, SEEDS, 0.75, 1.0, 25),
            (4.0, 2 * SEEDS, 0.25, 0.5, 25),
            (4.0, SEEDS, 0.0, 0.0, 7),
            (8.0, 8, 0.0, 0.0, 25),
        ):
            config = GenerationConfig("shapes", height=8, width=8, guidance_scale=scale, num_inference_steps=steps)
            own = designed_seeds(prompt, seeds)
            unknown = torch.zeros(seeds)
            batch = SeedBatch(prompt, config, own, torch.zeros(seeds, 3, 8, 8, dtype=torch.uint8), unknown, unknown)
            store.add_batch(opened, batch)
            each = torch.full((seeds,), alignment, dtype=torch.float64)
            aligned = Score("oracle_alignment", "2+x", "alignment", "image", each, alignment, 0.0, 1.0)
            whole = torch.tensor([spread, *[math.nan] * seeds])
            scores = [
                Score(name, f"{METRICS[name].version}+x", "diversity", "batch", whole, value, math.nan, math.nan)
                for name, value in (("factor_diversity", spread), ("factor_diversity_faithful", math.nan))
            ]
            store.add_scores(opened, batch, [aligned, *scores])
        found = along_guidance(opened)
    assert found["factor_diversity"] == {1.0: {prompt.text: (0.5, 1.25)}, 4.0: {prompt.text: (0.75, 1.0)}}
    assert found["factor_diversity_faithful"] == {} and found["factor_place"] == {}
