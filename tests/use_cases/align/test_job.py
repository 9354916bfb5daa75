"""A training run as a job: what is left for its worker, which cannot open the store."""

from __future__ import annotations

from pathlib import Path

import torch

from t2ialign.source import parse_source
from t2ialign.store import add_batch
from t2ialign.types import SeedBatch
from t2ialign.use_cases.align.estimate import evaluation_requests
from t2ialign.use_cases.align.job import leave_stored
from t2ialign.use_cases.align.request import plan
from t2ialign.use_cases.align.sources import picture_requests
from t2ialign.use_cases.batches.score_batch import config_of
from t2ialign.use_cases.results import InboxResults
from tests.use_cases.aligning import opened, short


def test_a_worker_finds_the_parents_stored_pictures(tmp_path: Path) -> None:
    """Drawn again by it they may differ in a bit, and scores of other pictures than the stored ones are not taken."""
    request, worker = short("f_dpo", test_prompts=2), InboxResults(tmp_path)
    with opened(tmp_path) as bench:
        found = plan(bench, request)
        drawn, tested = picture_requests(found)[0], evaluation_requests(found, "base")[0]
        for one in (drawn, tested):
            config, seeds = config_of(bench, one)[1], one.seeds
            pixels = torch.randint(256, (len(seeds), 3, 64, 64), dtype=torch.uint8)
            add_batch(bench.store, SeedBatch(one.prompt, config, seeds, pixels, *torch.zeros(2, len(seeds))))
            assert worker.batch(config, one.prompt, seeds).seeds == ()
        assert leave_stored(bench, request) == 2
        for one in (drawn, tested):
            config = config_of(bench, one)[1]
            kept, seen = (results.batch(config, one.prompt, one.seeds) for results in (bench.results, worker))
            assert seen.seeds == one.seeds and torch.equal(seen.images, kept.images)
        assert leave_stored(bench, short("grpo", pairs=parse_source("style:minimal"))) == 0, (
            "it draws for itself, and tests nothing"
        )
