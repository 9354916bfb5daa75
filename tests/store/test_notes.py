"""Notes of cells, as whoever cannot open the store reads them; ``use_cases.test_results`` holds them to the store."""

from __future__ import annotations

from pathlib import Path

import torch

from t2ialign.store.batches import record_batch
from t2ialign.store.notes import count_noted, note, noted
from t2ialign.types import GenerationConfig, Prompt, SeedBatch

CONFIG = GenerationConfig("shapes", "rev", height=8, width=8)


def batch_of(prompt: str, *seeds: int) -> SeedBatch:
    images = torch.zeros(len(seeds), 3, 8, 8, dtype=torch.uint8)
    return SeedBatch(Prompt(prompt), CONFIG, seeds, images, torch.zeros(len(seeds)), torch.zeros(len(seeds)))


def test_notes_of_a_cell_add_up(tmp_path: Path) -> None:
    first, second, other = batch_of("a", 1, 2), batch_of("a", 2, 3), batch_of("b", 1)
    for batch in (first, second, other):
        note(tmp_path, record_batch(tmp_path, batch))
    record = noted(tmp_path, first.cell)
    assert record is not None and record.prompt == Prompt("a") and record.config == CONFIG
    assert [picture.seed for picture in record.pictures] == [1, 2, 3]
    assert count_noted(tmp_path, {batch.cell: (1, 3, 9) for batch in (first, other)}) == 3
    assert noted(tmp_path, "unknown") is None
